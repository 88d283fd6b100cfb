import { type ControlCall, xmlAnswer } from '../call';
import { ControlFault } from '../fault';
import { MOST_TAGS, tagMap, tagsReader } from '../wire/job-request';
import { controlDocument, tagsXml } from '../wire/job-xml';
import { readRoot, required, structure } from '../wire/reader';

const NO_TAGS: ReadonlyMap<string, string> = new Map();

/** GetJobTagging. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetJobTagging.html */
export function getJobTagging({ control, jobId }: ControlCall) {
  return xmlAnswer(controlDocument('GetJobTaggingResult', tagsXml(control.registry.find(jobId).tags)));
}

/** PutJobTagging: the whole set is replaced. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutJobTagging.html */
export function putJobTagging({ control, request, jobId }: ControlCall) {
  const root = readRoot(request.body, 'PutJobTaggingRequest');
  const { Tags } = structure({ Tags: required(tagsReader) })(root, 'PutJobTaggingRequest');
  if (Tags.length > MOST_TAGS)
    throw new ControlFault('TooManyTagsException', `${Tags.length} tags; a job has ${MOST_TAGS} at most.`);
  control.registry.find(jobId).tags = tagMap(Tags, 'PutJobTaggingRequest.Tags');
  return xmlAnswer(controlDocument('PutJobTaggingResult'));
}

/** DeleteJobTagging. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_DeleteJobTagging.html */
export function deleteJobTagging({ control, jobId }: ControlCall) {
  control.registry.find(jobId).tags = NO_TAGS;
  return xmlAnswer(controlDocument('DeleteJobTaggingResult'));
}
