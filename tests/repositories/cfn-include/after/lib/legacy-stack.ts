import * as path from 'node:path';
import { Stack, type StackProps } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import type { Construct } from 'constructs';

export class LegacyStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    new CfnInclude(this, 'Legacy', {
      templateFile: path.join(__dirname, '..', 'templates', 'legacy.yaml'),
      parameters: {
        Owner: 'platform',
        LegacyPassword: process.env.LEGACY_PASSWORD,
      },
    });
  }
}
