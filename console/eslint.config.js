import a11y from "eslint-plugin-jsx-a11y";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: ["node_modules"] },
  ...typescript.configs.strict,
  ...typescript.configs.stylistic,
  a11y.flatConfigs.strict,
  {
    files: ["**/*.{ts,tsx}"],
    settings: { "jsx-a11y": { attributes: { for: ["for"] } } },
    rules: {
      // What a stranger chose is text, never markup.
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Show text." },
        { selector: "MemberExpression[property.name=/^(inner|outer)HTML$/]", message: "Show text." },
      ],
      "no-eval": "error",
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
);
