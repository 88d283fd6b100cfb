import { execFileSync } from 'node:child_process';
import { ROOMS } from '../../mutation/rooms';

const tracked = (glob: string) =>
  execFileSync('git', ['ls-files', '--', `:(glob)${glob}`], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);

it.each(Object.values(ROOMS).flatMap(({ files, tests }) => [...files, ...tests]))(
  'the mutation run finds files by %s',
  (glob) => {
    expect(tracked(glob)).not.toEqual([]);
  },
);
