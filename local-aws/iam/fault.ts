/** An error IAM answers with. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html */
export class IamFault extends Error {
  override readonly name = 'IamFault';
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const noSuchEntity = (message: string): IamFault => new IamFault('NoSuchEntity', 404, message);

export const noSuchRole = (name: string): IamFault => noSuchEntity(`The role with name ${name} cannot be found.`);

export const noSuchRolePolicy = (name: string): IamFault =>
  new IamFault('NoSuchEntity', 404, `The role policy with name ${name} cannot be found.`);

export const roleExists = (name: string): IamFault =>
  new IamFault('EntityAlreadyExists', 409, `Role with name ${name} already exists.`);

export const entityExists = (message: string): IamFault => new IamFault('EntityAlreadyExists', 409, message);

export const deleteConflict = (): IamFault =>
  new IamFault('DeleteConflict', 409, 'Cannot delete entity, must delete policies first.');

export const limitExceeded = (message: string): IamFault => new IamFault('LimitExceeded', 409, message);

export const invalidInput = (message: string): IamFault => new IamFault('InvalidInput', 400, message);

export const malformedPolicyDocument = (message: string): IamFault =>
  new IamFault('MalformedPolicyDocument', 400, message);
