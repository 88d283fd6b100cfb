/** The kind of an attribute: a text, number or flag; a list of them; a map of them; or a block, by its attributes. */
export type AttributeKind = 'scalar' | 'list' | 'map' | Attributes;
export interface Attributes {
  readonly [name: string]: AttributeKind;
}

const scalars = (names: string): Attributes =>
  Object.fromEntries(names.split(' ').map((name) => [name, 'scalar' as const]));

/** The attributes of these types that the provider declares sensitive: material, and the token of an object lock. */
export const SENSITIVE_ATTRIBUTES: ReadonlySet<string> = new Set(['key_material_base64', 'token']);

/**
 * Every attribute of the resource types that the stacks declare, as the AWS provider has them from 5.100.0 to 6.66.0. An
 * attribute that is not here is refused: it may say what no rule knows.
 *
 * Source: `terraform providers schema -json` of 5.100.0; what 6.x added, from the bindings of 6.25.0 and 6.66.0.
 */
export const RESOURCE_TYPES: Readonly<Record<string, Attributes>> = {
  aws_cloudwatch_metric_alarm: {
    ...scalars(
      'actions_enabled alarm_description alarm_name arn comparison_operator datapoints_to_alarm evaluate_low_sample_count_percentiles evaluation_periods extended_statistic id metric_name namespace period region statistic threshold threshold_metric_id treat_missing_data unit',
    ),
    alarm_actions: 'list',
    insufficient_data_actions: 'list',
    ok_actions: 'list',
    dimensions: 'map',
    tags: 'map',
    tags_all: 'map',
    metric_query: {
      ...scalars('account_id expression id label period return_data'),
      metric: { ...scalars('metric_name namespace period stat unit'), dimensions: 'map' },
    },
  },
  aws_iam_role: {
    ...scalars(
      'arn assume_role_policy create_date description force_detach_policies id max_session_duration name name_prefix path permissions_boundary unique_id',
    ),
    managed_policy_arns: 'list',
    tags: 'map',
    tags_all: 'map',
    inline_policy: { ...scalars('name policy') },
  },
  aws_iam_role_policy: { ...scalars('id name name_prefix policy role') },
  aws_kms_alias: { ...scalars('arn id name name_prefix region target_key_arn target_key_id') },
  aws_kms_external_key: {
    ...scalars(
      'arn bypass_policy_lockout_safety_check deletion_window_in_days description enabled expiration_model id key_material_base64 key_spec key_state key_usage multi_region policy region valid_to',
    ),
    tags: 'map',
    tags_all: 'map',
  },
  aws_s3_bucket: {
    ...scalars(
      'acceleration_status acl arn bucket bucket_domain_name bucket_namespace bucket_prefix bucket_region bucket_regional_domain_name force_destroy hosted_zone_id id object_lock_enabled policy region request_payer website_domain website_endpoint',
    ),
    tags: 'map',
    tags_all: 'map',
    cors_rule: {
      ...scalars('max_age_seconds'),
      allowed_headers: 'list',
      allowed_methods: 'list',
      allowed_origins: 'list',
      expose_headers: 'list',
    },
    grant: { ...scalars('id type uri'), permissions: 'list' },
    lifecycle_rule: {
      ...scalars('abort_incomplete_multipart_upload_days enabled id prefix'),
      tags: 'map',
      expiration: { ...scalars('date days expired_object_delete_marker') },
      noncurrent_version_expiration: { ...scalars('days') },
      noncurrent_version_transition: { ...scalars('days storage_class') },
      transition: { ...scalars('date days storage_class') },
    },
    logging: { ...scalars('target_bucket target_prefix') },
    object_lock_configuration: {
      ...scalars('object_lock_enabled'),
      rule: { default_retention: { ...scalars('days mode years') } },
    },
    replication_configuration: {
      ...scalars('role'),
      rules: {
        ...scalars('delete_marker_replication_status id prefix priority status'),
        destination: {
          ...scalars('account_id bucket replica_kms_key_id storage_class'),
          access_control_translation: { ...scalars('owner') },
          metrics: { ...scalars('minutes status') },
          replication_time: { ...scalars('minutes status') },
        },
        filter: { ...scalars('prefix'), tags: 'map' },
        source_selection_criteria: { sse_kms_encrypted_objects: { ...scalars('enabled') } },
      },
    },
    server_side_encryption_configuration: {
      rule: {
        ...scalars('bucket_key_enabled'),
        apply_server_side_encryption_by_default: { ...scalars('kms_master_key_id sse_algorithm') },
      },
    },
    timeouts: { ...scalars('create delete read update') },
    versioning: { ...scalars('enabled mfa_delete') },
    website: { ...scalars('error_document index_document redirect_all_requests_to routing_rules') },
  },
  aws_s3_bucket_object_lock_configuration: {
    ...scalars('bucket expected_bucket_owner id object_lock_enabled region token'),
    rule: { default_retention: { ...scalars('days mode years') } },
  },
  aws_s3_bucket_ownership_controls: { ...scalars('bucket id region'), rule: { ...scalars('object_ownership') } },
  aws_s3_bucket_policy: { ...scalars('bucket id policy region') },
  aws_s3_bucket_public_access_block: {
    ...scalars(
      'block_public_acls block_public_policy bucket id ignore_public_acls region restrict_public_buckets skip_destroy',
    ),
  },
  aws_s3_bucket_server_side_encryption_configuration: {
    ...scalars('bucket expected_bucket_owner id region'),
    rule: {
      ...scalars('bucket_key_enabled'),
      blocked_encryption_types: 'list',
      apply_server_side_encryption_by_default: { ...scalars('kms_master_key_id sse_algorithm') },
    },
  },
  aws_s3_bucket_versioning: {
    ...scalars('bucket expected_bucket_owner id mfa region'),
    versioning_configuration: { ...scalars('mfa_delete status') },
  },
};

/** The same of the data sources that the stacks read. */
export const DATA_TYPES: Readonly<Record<string, Attributes>> = {
  aws_caller_identity: { ...scalars('account_id arn id user_id') },
  aws_kms_key: {
    ...scalars(
      'arn aws_account_id cloud_hsm_cluster_id creation_date custom_key_store_id customer_master_key_spec deletion_date description enabled expiration_model id key_id key_manager key_spec key_state key_usage multi_region origin pending_deletion_window_in_days valid_to',
    ),
    grant_tokens: 'list',
    multi_region_configuration: {
      ...scalars('multi_region_key_type'),
      primary_key: { ...scalars('arn region') },
      replica_keys: { ...scalars('arn region') },
    },
    xks_key_configuration: { ...scalars('id') },
  },
  aws_partition: { ...scalars('dns_suffix id partition reverse_dns_prefix') },
};
