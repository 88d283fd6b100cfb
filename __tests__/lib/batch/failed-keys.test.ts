import { FailedKeys } from '../../../lib/batch/failed-keys';

describe('failed keys', () => {
  test('are all found, also beyond those that are stored exactly', () => {
    const keys = new FailedKeys(150_000);
    for (let n = 0; n < 150_000; n += 1) keys.add(`key/${n}`);
    let missed = 0;
    for (let n = 0; n < 150_000; n += 1) if (!keys.has(`key/${n}`)) missed += 1;
    expect(missed).toBe(0);
  });

  test('rarely match another key', () => {
    const keys = new FailedKeys(110_000);
    for (let n = 0; n < 110_000; n += 1) keys.add(`key/${n}`);
    let mistaken = 0;
    for (let n = 0; n < 20_000; n += 1) if (keys.has(`other/${n}`)) mistaken += 1;
    expect(mistaken).toBeLessThan(200);
  });

  test('match exactly while there are few', () => {
    const keys = new FailedKeys(1);
    keys.add('one');
    expect([keys.has('one'), keys.has('two')]).toEqual([true, false]);
  });
});
