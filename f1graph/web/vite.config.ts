// Builds two pages: the plain root page (index.html) and GraphiQL (graphiql.html).
// The server gives them at / and /graphiql, and everything else from /graphiql/assets.
import { appendFileSync, readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

// The root page shows an example query. It is copied from the examples when the page is built,
// because those are run against the schema by the tests and a copy in the page would not be.
function exampleInRootPage(): Plugin {
  return {
    name: 'example-in-root-page',
    transformIndexHtml(html) {
      const file = new URL('src/examples/next-race.graphql', import.meta.url);
      const query = readFileSync(file, 'utf8').trim();
      return html.replace('{{example}}', query.replaceAll('&', '&amp;').replaceAll('<', '&lt;'));
    },
  };
}

// Vite collects the licences of what is in the pages. It does not look into the workers, nor at what
// Monaco has copied into its own source.
function moreLicences(): Plugin {
  const more = [
    'node_modules/picomatch-browser/LICENSE',
    'node_modules/monaco-editor/ThirdPartyNotices.txt',
  ];
  return {
    name: 'more-licences',
    apply: 'build',
    writeBundle() {
      for (const file of more) {
        const text = readFileSync(new URL(file, import.meta.url), 'utf8');
        appendFileSync(new URL('dist/assets/licences.txt', import.meta.url), `\n## ${file}\n\n${text}`);
      }
    },
  };
}

export default defineConfig({
  base: '/graphiql/',
  plugins: [exampleInRootPage(), moreLicences()],
  build: {
    target: 'es2022',
    // Files instead of data: addresses, so that the content-security policy can stay at 'self'.
    assetsInlineLimit: 0,
    // The bundle is shipped, and the libraries in it ask for their notices to travel along.
    license: { fileName: 'assets/licences.txt' },
    modulePreload: { polyfill: false },
    // Monaco's editor is one large chunk whatever we do.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: ['index.html', 'graphiql.html'],
      // A hundred warnings about "use client" in React libraries, which means nothing in a browser.
      checks: { moduleLevelDirective: false },
    },
  },
  worker: { format: 'es' },
  // CommonJS that only the GraphQL worker imports, where the development server does not look.
  optimizeDeps: {
    include: ['monaco-graphql > graphql-language-service', 'monaco-graphql > picomatch-browser'],
  },
  server: { proxy: { '/graphql': 'http://127.0.0.1:8000', '/healthz': 'http://127.0.0.1:8000' } },
});
