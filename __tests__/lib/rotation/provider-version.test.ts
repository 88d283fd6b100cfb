import { admitsProvider, isSameConstraint } from '../../../lib/rotation/provider-version';
import { rotation, synthesized } from '../../stacks/synthesized';
import { faultsOf, parse, textWith } from './rotation-texts';

const faultsWith = async (awsProvider: unknown) =>
  (await faultsOf(textWith({ terraform: { awsProvider } }))).map(({ path }) => path);

describe('the AWS provider of a rotation file', () => {
  it('is exactly the tested one where the file names none', async () => {
    const { terraform } = await parse(textWith({ terraform: {} }));
    expect(terraform.awsProvider).toBe('5.100.0');
  });

  it.each([
    '5.100.0',
    '= 6.41.0',
    '~> 5.100',
    '~> 5.100.0',
    '>= 5.100.0, < 6.22.0',
    '>=6.40.0,<7.0.0',
    '> 6.40.0, <= 6.99.0',
    '~> 6.40',
  ])('may be %s, which both stacks require as it stands', async (awsProvider) => {
    const { terraform } = await parse(textWith({ terraform: { awsProvider } }));
    for (const stack of Object.values(synthesized(rotation({ terraform })))) {
      expect(stack.terraform?.required_providers?.aws).toMatchObject({ version: awsProvider });
    }
  });

  it.each([
    ['one that is known to be bad', '6.22.0'],
    ['another', '6.39.5'],
    ['a range that holds bad ones', '>= 5.100.0, < 7.0.0'],
    ['a range that ends among them', '>= 5.100.0, <= 6.22.0'],
    ['a range that begins among them', '> 6.39.9, <= 6.99.0'],
    ['a pessimistic one over them', '~> 6.21'],
    ['an older one', '5.99.1'],
    ['a major one that nobody knows', '7.0.0'],
    ['no upper end', '>= 6.40.0'],
    ['no lower end', '< 6.0.0'],
    ['nothing at all', '>= 6.50.0, < 6.45.0'],
    ['an exclusion', '>= 5.100.0, != 6.0.0, < 6.22.0'],
    ['a pre-release', '6.0.0-beta1'],
    ['one number', '6'],
    ['no version', 'latest'],
    ['an empty text', ''],
    ['a number', 6.41],
    ['two lines', '5.100.0\n6.41.0'],
  ])('is refused where it admits %s', async (_, awsProvider) => {
    expect(await faultsWith(awsProvider)).toEqual(['terraform.awsProvider']);
  });

  it('admits a locked version inside of its bounds alone', () => {
    const admitted = ['5.99.9', '5.100.0', '6.21.5', '6.22.0', '6.0.0-beta1', '>= 5.100.0', '', 'x'].filter((one) =>
      admitsProvider('>= 5.100.0, < 6.22.0', one),
    );
    expect(admitted).toEqual(['5.100.0', '6.21.5']);
  });

  it('is the same in any order and spacing, and in no other case', () => {
    expect(isSameConstraint('>= 5.100.0, < 6.22.0', '<6.22.0,>=5.100.0')).toBe(true);
    expect(isSameConstraint('= 5.100.0', '5.100.0')).toBe(true);
    expect(isSameConstraint('~> 5.100', '~> 5.100.0')).toBe(false);
    expect(isSameConstraint('!= 5.100.0', '!= 5.100.0')).toBe(false);
  });
});
