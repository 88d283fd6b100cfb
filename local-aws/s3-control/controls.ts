import type { AwsRequest } from '../message';
import type { Served } from '../transport/served';
import { createS3Control, type S3Control, type S3ControlOptions } from './index';

export interface ControlsOptions extends Omit<S3ControlOptions, 'region' | 'accountId'> {
  /** The account and Region whose jobs a test can hold and spoil. */
  readonly home: { readonly region: string; readonly accountId: string };
}

/** S3 Control of every account and Region: the account of the caller, the Region that the request is signed for. */
export function createControls(options: ControlsOptions): S3Control {
  const known = new Map<string, S3Control>();
  const of = (region: string, accountId: string): S3Control => {
    const place = `${region}/${accountId}`;
    const control = known.get(place) ?? createS3Control({ ...options, region, accountId });
    known.set(place, control);
    return control;
  };
  const asked = ({ region, caller }: AwsRequest): Served => of(region, caller.accountId).served;
  const { jobs } = of(options.home.region, options.home.accountId);
  return {
    served: {
      name: (request) => asked(request).name(request),
      needs: (operation, request) => asked(request).needs(operation, request),
      denied: (need, request, because) => asked(request).denied(need, request, because),
      serve: (request) => asked(request).serve(request),
    },
    jobs,
    stop() {
      for (const { stop } of known.values()) stop();
    },
  };
}
