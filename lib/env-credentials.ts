import { fromEnv } from "@aws-sdk/credential-provider-env";

/**
 * Stands in for the SDK's default chain of credential providers in every bundle: Lambda and the
 * embedded stack both give credentials in the environment, and the rest of the chain (SSO, profiles,
 * instance metadata) would be a fifth of each bundle.
 */
export const defaultProvider = fromEnv;
