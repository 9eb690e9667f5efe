import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: '../queries/*.graphql',
  generates: {
    './generated/': {
      preset: 'client',
      presetConfig: {
        fragmentMasking: false,
        // A query is sent by its hash; `persisted-documents.json` tells the server what is meant.
        persistedDocuments: { hashAlgorithm: 'sha256' },
      },
      config: {
        documentMode: 'string',
        enumsAsTypes: true,
        useTypeImports: true,
        scalars: {
          Date: 'string',
          DateTime: 'string',
          Distribution: 'number[]',
          Duration: 'number',
          LocalDateTime: 'string',
          Probability: 'number',
        },
      },
    },
  },
};

export default config;
