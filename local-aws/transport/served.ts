import type { AwsRequest, AwsResponse } from '../message';

/** A service as the transport sees it: how to name a request before it is carried out, and how to carry it out. */
export interface Served {
  /** The operation and what it is about, for faults, hooks and the request log. */
  name(request: AwsRequest): { readonly operation: string; readonly key: string | undefined };
  /** The IAM actions that the request needs, in the order they are checked; empty for what nobody can be denied. */
  actions(operation: string, request: AwsRequest): readonly string[];
  /** Access denied in the protocol and words of the service. */
  denied(action: string, request: AwsRequest): AwsResponse;
  serve(request: AwsRequest): AwsResponse | Promise<AwsResponse>;
}
