# Keyturn's plan review, as far as a plan alone can answer it, for conftest and OPA.
#
# Each message begins with the id of the rule in docs/plan-review.md. What needs the rotation file, AWS, evidence or the
# synthesized stack is not here: `keyturn review-plan` has all rules.
#
#   terraform show -json plan.tfplan | conftest test --policy policy -
package main

import rego.v1

# The plan itself, or what an engine wraps around it.
plan := input.plan if {
	input.plan.format_version
} else := input.tfplan if {
	input.tfplan.format_version
} else := input

changes contains change if {
	some change in plan.resource_changes
	change.mode == "managed"
	not "no-op" in change.change.actions
}

keys contains change if {
	some change in changes
	change.type == "aws_kms_external_key"
}

# Buckets that serve the rotation: for jobs, and for evidence.
serving(address) if regex.match(`\.(batch|evidence)$`, address)

defaults contains change if {
	some change in changes
	change.type == "aws_s3_bucket_server_side_encryption_configuration"
	not serving(change.address)
}

# Only a change that leaves something behind has rules to look at.
default_rules contains {"address": change.address, "rule": rule} if {
	some change in defaults
	some rule in change.change.after.rule
}

known_text(value) if {
	is_string(value)
	value != ""
}

own_address := concat("", [
	`^(aws_kms_external_key\.version_[a-z0-9-]+`,
	`|aws_kms_alias\.(main|version_[a-z0-9-]+)`,
	`|aws_cloudwatch_metric_alarm\.version_[a-z0-9-]+_expires_[0-9]+d`,
	`|aws_iam_role(_policy)?\.batch`,
	`|aws_s3_bucket_object_lock_configuration\.evidence`,
	`|aws_s3_bucket(_versioning|_public_access_block|_ownership_controls|_policy`,
	`|_server_side_encryption_configuration)?\.(bucket_[a-z0-9_-]+|batch|evidence))$`,
])

deny contains msg if {
	some change in keys
	"delete" in change.change.actions
	msg := sprintf("KT001 %s: a key is destroyed or replaced", [change.address])
}

deny contains msg if {
	some change in keys
	"forget" in change.change.actions
	msg := sprintf("KT002 %s: Terraform lets go of a key", [change.address])
}

warn contains msg if {
	some change in keys
	before := change.change.before.deletion_window_in_days
	after := change.change.after.deletion_window_in_days
	after < before
	msg := sprintf("KT003 %s: the deletion window goes from %d to %d days", [change.address, before, after])
}

deny contains msg if {
	some change in keys
	after := change.change.after.valid_to
	known_text(after)
	object.get(change.change, ["before", "valid_to"], null) != after
	msg := sprintf("KT004 %s: Terraform sets the expiry of key material", [change.address])
}

deny contains msg if {
	some change in keys
	before := change.change.before.valid_to
	known_text(before)
	is_object(change.change.after)
	not known_text(object.get(change.change.after, "valid_to", null))
	msg := sprintf("KT004 %s: Terraform unsets the expiry of key material", [change.address])
}

# Without the evidence every disabling has to be looked at.
warn contains msg if {
	some change in keys
	change.change.before.enabled == true
	change.change.after.enabled == false
	msg := sprintf("KT005 %s: a version is disabled; look for its green evidence", [change.address])
}

material(held) if known_text(held.key_material_base64)

deny contains msg if {
	some change in plan.resource_changes
	some side in ["before", "after"]
	material(change.change[side])
	msg := sprintf("KT010 %s: key_material_base64 is set", [change.address])
}

deny contains msg if {
	some change in plan.resource_changes
	change.change.after_unknown.key_material_base64 == true
	msg := sprintf("KT010 %s: key_material_base64 is set", [change.address])
}

deny contains msg if {
	some resource in plan.prior_state.values.root_module.resources
	material(resource.values)
	msg := sprintf("KT010 %s: key_material_base64 is set", [resource.address])
}

deny contains msg if {
	some resource in plan.configuration.root_module.resources
	resource.expressions.key_material_base64
	msg := sprintf("KT010 %s: key_material_base64 is set", [resource.address])
}

deny contains msg if {
	some change in plan.resource_changes
	some side in ["before", "after"]
	walk(change.change[side], [path, value])
	is_string(value)
	regex.match(`(^|[^A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{43}=($|[^A-Za-z0-9+/_=-])|PRIVATE KEY-----|AGE-SECRET-KEY-`, value)
	msg := sprintf("KT011 %s: %s looks like key material or a private key", [change.address, concat(".", [sprintf("%v", [step]) | some step in path])])
}

deny contains msg if {
	some change in defaults
	"delete" in change.change.actions
	msg := sprintf("KT030 %s: the default encryption is destroyed, which puts the bucket to SSE-S3", [change.address])
}

deny contains msg if {
	some found in default_rules
	some applied in found.rule.apply_server_side_encryption_by_default
	applied.sse_algorithm != "aws:kms"
	msg := sprintf("KT030 %s: the default leaves SSE-KMS for %s", [found.address, applied.sse_algorithm])
}

deny contains msg if {
	some found in default_rules
	some applied in found.rule.apply_server_side_encryption_by_default
	applied.sse_algorithm == "aws:kms"
	known_text(applied.kms_master_key_id)
	not regex.match(`^arn:[^:]+:kms:[a-z0-9-]+:[0-9]{12}:key/[^/]+$`, applied.kms_master_key_id)
	msg := sprintf("KT031 %s: the default does not name its key by full ARN", [found.address])
}

warn contains msg if {
	some change in defaults
	some before in change.change.before.rule
	before.bucket_key_enabled == true
	some after in change.change.after.rule
	not after.bucket_key_enabled == true
	msg := sprintf("KT032 %s: the bucket loses its bucket key", [change.address])
}

deny contains msg if {
	some change in changes
	change.type == "aws_s3_bucket"
	some action in ["delete", "forget"]
	action in change.change.actions
	msg := sprintf("KT033 %s: a bucket is destroyed, replaced or let go of", [change.address])
}

warn contains msg if {
	some change in changes
	change.type == "aws_s3_bucket_versioning"
	some before in change.change.before.versioning_configuration
	before.status == "Enabled"
	some after in change.change.after.versioning_configuration
	after.status != "Enabled"
	msg := sprintf("KT034 %s: versioning is switched off", [change.address])
}

warn contains msg if {
	some change in changes
	change.type == "aws_s3_bucket_public_access_block"
	some setting in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]
	change.change.before[setting] == true
	not change.change.after[setting] == true
	msg := sprintf("KT034 %s: %s is switched off", [change.address, setting])
}

deny contains msg if {
	some change in changes
	change.type == "aws_s3_bucket_server_side_encryption_configuration"
	serving(change.address)
	some rule in change.change.after.rule
	some applied in rule.apply_server_side_encryption_by_default
	applied.sse_algorithm != "AES256"
	msg := sprintf("KT035 %s: a bucket that serves the rotation leaves S3's own key for %s", [change.address, applied.sse_algorithm])
}

locks contains change if {
	some change in changes
	change.type == "aws_s3_bucket_object_lock_configuration"
}

deny contains msg if {
	some change in locks
	some action in ["delete", "forget"]
	action in change.change.actions
	msg := sprintf("KT036 %s: the lock of the evidence is taken away", [change.address])
}

deny contains msg if {
	some change in locks
	some before in change.change.before.rule
	some was in before.default_retention
	some after in change.change.after.rule
	some becomes in after.default_retention
	weaker_retention(was, becomes)
	msg := sprintf("KT036 %s: evidence is locked less", [change.address])
}

weaker_retention(was, becomes) if {
	was.mode == "COMPLIANCE"
	becomes.mode != "COMPLIANCE"
}

weaker_retention(was, becomes) if becomes.days < was.days

deny contains msg if {
	some change in changes
	change.type == "aws_s3_bucket_policy"
	policy := json.unmarshal(change.change.after.policy)
	some statement in policy.Statement
	statement.Effect == "Allow"
	msg := sprintf("KT037 %s: the policy of a bucket lets somebody in", [change.address])
}

everybody(principal) if principal == "*"

everybody(principal) if principal.AWS == "*"

everybody(principal) if "*" in principal.AWS

deny contains msg if {
	some change in keys
	policy := json.unmarshal(change.change.after.policy)
	some statement in policy.Statement
	statement.Effect == "Allow"
	everybody(statement.Principal)
	msg := sprintf("KT043 %s: the policy admits everybody", [change.address])
}

job_service(principal) if principal.Service == "batchoperations.s3.amazonaws.com"

deny contains msg if {
	some change in changes
	change.type == "aws_iam_role"
	trust := json.unmarshal(change.change.after.assume_role_policy)
	some statement in trust.Statement
	statement.Effect == "Allow"
	not job_service(statement.Principal)
	msg := sprintf("KT045 %s: the role of the jobs admits somebody else", [change.address])
}

deny contains msg if {
	some change in changes
	change.type == "aws_iam_role_policy"
	policy := json.unmarshal(change.change.after.policy)
	some statement in policy.Statement
	statement.Effect == "Allow"
	some action in array.concat([statement.Action], [one | some one in statement.Action])
	is_string(action)
	not regex.match(`^(s3:(Get|Put)Object(Version)?(Acl|Tagging)?|s3:UpdateObjectEncryption|s3:PutInventoryConfiguration|kms:(Decrypt|Encrypt|GenerateDataKey|ReEncryptFrom|ReEncryptTo))$`, action)
	msg := sprintf("KT045 %s: the role of the jobs may %s", [change.address, action])
}

deny contains msg if {
	some change in plan.resource_changes
	not regex.match(`^registry\.(terraform\.io|opentofu\.org)/hashicorp/aws$`, change.provider_name)
	msg := sprintf("KT050 %s: its provider is %s", [change.address, change.provider_name])
}

deny contains "KT053 the plan ended in an error" if plan.errored == true

deny contains "KT053 Terraform reports that the plan is not complete" if plan.complete == false

deny contains msg if {
	some change in changes
	not regex.match(own_address, change.address)
	msg := sprintf("KT070 %s: it is outside the rotation's own resources", [change.address])
}

deny contains msg if {
	some resource in plan.configuration.root_module.resources
	count(resource.provisioners) > 0
	msg := sprintf("KT071 %s: it has provisioners", [resource.address])
}

deny contains msg if {
	some name, _ in plan.configuration.root_module.module_calls
	msg := sprintf("KT071 module.%s: it is called", [name])
}
