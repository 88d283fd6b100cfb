import type { AwsRequest, AwsResponse } from '../message';
import type { AccessConditions, Need } from '../need';

/** A service as the transport sees it: how to name a request before it is carried out, and how to carry it out. */
export interface Served {
  /** The operation and what it is about, for faults, hooks and the request log. */
  name(request: AwsRequest): { readonly operation: string; readonly key: string | undefined };
  /** The answer to a request that belongs to another Region; nobody's permission is asked for it. Absent: there is none. */
  elsewhere?(request: AwsRequest): AwsResponse | undefined;
  /** What the request needs by its own words, in the order it is checked; empty for what nobody can be denied. */
  needs(operation: string, request: AwsRequest): readonly Need[];
  /** What policies may ask about the request besides. Absent: nothing. */
  about?(request: AwsRequest): AccessConditions;
  /** Access denied in the protocol and words of the service. @param because - as its message ends */
  denied(need: Need, request: AwsRequest, because?: string): AwsResponse;
  serve(request: AwsRequest): AwsResponse | Promise<AwsResponse>;
}
