export const HostDate = Date;

/** A `Date` that runs so many milliseconds ahead of the host's. Its own timers stay: nothing waits longer or shorter. */
export function dateAhead(milliseconds: number): DateConstructor {
  const now = (): number => HostDate.now() + milliseconds;
  return new Proxy(HostDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
}
