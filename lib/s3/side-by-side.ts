/**
 * Works on items in their order, several at once. After the first failure none is begun any more, and those that are running end first.
 *
 * @param atOnce - from 1
 * @param onFailure - called with the first failure, while others may still be running
 * @returns the results in the order of the items
 * @throws the first failure
 */
export async function sideBySide<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
  onFailure: () => void = () => undefined,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const at = next;
      next += 1;
      try {
        results[at] = await work(items[at] as Item);
      } catch (error) {
        if (failures.push(error) === 1) onFailure();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
