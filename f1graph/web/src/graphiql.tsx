// The GraphiQL page: the editor, its workers, our examples and a way back to the root page.
import './workers';

import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { createLocalStorage } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';

// graphiql/style.css would add a megabyte of fonts and a second copy of Monaco's styles.
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './graphiql.css';

import { examplesPlugin, exampleTabs } from './examples';
import { fetcher } from './fetcher';
import icon from './icon.svg';

const newTab = '# A new query. Ctrl-Space completes, Ctrl-Enter runs; the docs are on the left.\n';

// Its own names in the browser's storage: another project's GraphiQL on the same localhost port
// would otherwise bring its tabs along, and our examples would never show.
const storage = createLocalStorage({ namespace: 'f1graph' });

const plugins = [HISTORY_PLUGIN, examplesPlugin];

// GraphiQL asks for the system's theme once. When the system turns dark in the evening, the page
// follows and the editor does not, which leaves dark text on a dark ground.
function FollowSystemTheme() {
  const theme = useGraphiQL(state => state.theme);
  const { setTheme } = useGraphiQLActions();

  useEffect(() => {
    if (theme !== null) return;
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const follow = () => setTheme(null);
    dark.addEventListener('change', follow);
    return () => dark.removeEventListener('change', follow);
  }, [theme, setTheme]);

  return null;
}

const container = document.getElementById('graphiql');
if (!container) throw new Error('The page has no element with the id "graphiql".');

createRoot(container).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    defaultTabs={exampleTabs}
    defaultQuery={newTab}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <a className="home" href="/">
        <img src={icon} alt="" width="20" height="20" />
        f1graph
      </a>
    </GraphiQL.Logo>
    <FollowSystemTheme />
  </GraphiQL>,
);
