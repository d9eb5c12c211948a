/**
 * List prices of us-east-1 in USD, without free tiers and discounts, as of November 2026. AWS's own
 * pages show most of their figures by script only; where a price could not be read from the page itself
 * it is from the second source, read there in November 2026.
 */
export const PRICES = {
  /** Standard workflows, retries included. https://aws.amazon.com/step-functions/pricing/ */
  transition: 0.025 / 1_000,
  /** https://aws.amazon.com/lambda/pricing/; https://cloudchipr.com/blog/aws-lambda-pricing (2024) */
  invocation: 0.2 / 1_000_000,
  /** arm64, first tier; the same pages. */
  gbSecond: 0.000_013_333_4,
  /**
   * On demand, since November 2024. https://aws.amazon.com/dynamodb/pricing/on-demand/;
   * https://airbyte.com/data-engineering-resources/dynamodb-pricing (July 2025)
   */
  writeUnit: 0.625 / 1_000_000,
  readUnit: 0.125 / 1_000_000,
  /** 64 KB each. https://aws.amazon.com/eventbridge/pricing/; https://cloudburn.io/blog/amazon-eventbridge-pricing (March 2026) */
  customEvent: 1 / 1_000_000,
  /** HTTP API. https://aws.amazon.com/api-gateway/pricing/; https://www.apigatewaycost.com/aws */
  apiRequest: 1 / 1_000_000,
  /** Standard class. https://aws.amazon.com/cloudwatch/pricing/; https://cloudburn.io/blog/amazon-cloudwatch-pricing (February 2026) */
  logGb: 0.5,
  /** https://aws.amazon.com/secrets-manager/pricing/; https://hivebook.wiki (AWS Secrets Manager) */
  secretCall: 0.05 / 10_000,
  secretMonth: 0.4,
} as const;
