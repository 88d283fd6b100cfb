/** Exit codes of every command. The numbers are a contract with pipelines. */
export const EXIT = {
  done: 0,
  error: 1,
  changesPending: 2,
  partlyDone: 3,
  refusedByGate: 4,
  usage: 64,
  permission: 77,
  rotationFile: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
