import { AwsProvider } from '@cdktf/provider-aws/lib/provider';
import { App, LocalBackend, TerraformOutput, TerraformStack } from 'cdktf';
import { loadRotation, type Rotation } from 'keyturn/rotation';
import { RotatedAlias, RotatedBucket, RotatedKey } from 'keyturn/stacks';

/** The keys of the rotation, and whatever else this team keeps beside them. */
class SecurityStack extends TerraformStack {
  constructor(app: App, rotation: Rotation) {
    super(app, 'security');
    new LocalBackend(this, { path: '../../../security.tfstate' });
    new AwsProvider(this, 'aws', { region: rotation.region });
    new RotatedKey(this, 'key', rotation);
  }
}

/** Alias and bucket: in another stack, because a new key must have its material before anything points at it. */
class DataStack extends TerraformStack {
  constructor(app: App, rotation: Rotation) {
    super(app, 'data');
    new LocalBackend(this, { path: '../../../data.tfstate' });
    new AwsProvider(this, 'aws', { region: rotation.region });
    new RotatedAlias(this, 'alias', rotation);
    const reports = new RotatedBucket(this, 'reports', rotation, 'example-reports');
    new TerraformOutput(this, 'reports_bucket', { value: reports.bucketName });
  }
}

async function main(): Promise<void> {
  const app = new App();
  const rotation = await loadRotation('rotation.yaml');
  new SecurityStack(app, rotation);
  new DataStack(app, rotation);
  app.synth();
}

void main();
