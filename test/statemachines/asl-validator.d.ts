/** The package's own types are not published. */
declare module "asl-validator" {
  type Verdict = { readonly isValid: boolean; readonly errorsText: () => string };
  const validate: (definition: unknown, options?: { readonly checkPaths?: boolean }) => Verdict;
  export default validate;
}
