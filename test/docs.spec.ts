import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { variableNames } from '../src/config/variables.js';

/*
 * What the documents name exists, and what exists is named: a newcomer who follows them finds everything.
 * A name is what stands in backticks, in a block of code, or behind a link.
 */

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  ...['docs', 'bench', 'chaos'].flatMap(filesBelow).filter((path) => path.endsWith('.md')),
];
const SOURCES = ['src', 'test', 'bench', 'chaos', 'scripts'].flatMap(filesBelow);
const CONFIGURATIONS = readdirSync('.').filter((name) =>
  /\.(mjs|cjs)$|^\.env\.example$/.test(name),
);
const SCRIPTS = Object.keys(
  (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts,
);

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The words of all code in a document: of its blocks, and of what stands in backticks. */
function codeWords(text: string): string[] {
  const blocks = [...text.matchAll(/^```.*\n([\s\S]*?)^```/gm)].map(([, code]) => code ?? '');
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
  return [...blocks, ...spans]
    .flatMap((code) => code.split(/[\s"'()[\]{},;]+/))
    .map((word) => word.replace(/[.:]+$/, ''))
    .filter((word) => word !== '');
}

/** Words that stand for a file or a folder of this repository. Patterns and paths of URLs do not. */
function namedPaths(text: string): string[] {
  return codeWords(text).filter((word) => {
    const isPath = /^[\w.@-]+(?:\/[\w.@-]+)*\/?$/.test(word);
    const isFile = /^[\w@-].*\.(?:ts|js|mjs|cjs|json|md)$/.test(word);
    const isPlaced = /^(?:src|test|bench|chaos|docs|scripts|\.ci)\//.test(word);
    return isPath && (isFile || isPlaced || word.endsWith('/'));
  });
}

/** A path from the root or from `src/`; a file of the build; or the name alone of a file of the sources. */
function existsInRepository(name: string): boolean {
  if (name === 'dist/') {
    return true;
  }
  if (name.startsWith('dist/')) {
    return existsSync(name.replace(/^dist\/(.+)\.js$/, 'src/$1.ts'));
  }
  return (
    existsSync(name) ||
    existsSync(join('src', name)) ||
    SOURCES.some((path) => basename(path) === name)
  );
}

interface Link {
  readonly target: string;
  readonly heading: string | undefined;
}

/** Links to files, relative to the root, and to headings. */
function links(document: string): Link[] {
  const text = readFileSync(document, 'utf8');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, address]) => address ?? '')
    .filter((address) => !/^[a-z]+:/.test(address))
    .map((address) => {
      const [path = '', heading] = address.split('#');
      const target = path === '' ? document : normalize(join(dirname(document), path));
      return { target, heading };
    });
}

/** As GitHub makes anchors of headings. */
function anchors(document: string): string[] {
  return [...readFileSync(document, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readFileSync(document, 'utf8');

  it('names files and folders that exist', () => {
    expect(namedPaths(text).filter((name) => !existsInRepository(name))).toEqual([]);
  });

  it('links to files and headings that exist', () => {
    const broken = links(document).filter(
      ({ target, heading }) =>
        !existsSync(target) || (heading !== undefined && !anchors(target).includes(heading)),
    );
    expect(broken).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const named = [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map(
      ([, script, short]) => script ?? short ?? '',
    );
    expect(named.filter((script) => !SCRIPTS.includes(script))).toEqual([]);
  });
});

describe('the documents', () => {
  // docs/simulator.md speaks of other programs' variables; its own are held against the code by its tests.
  it.each(DOCUMENTS.filter((document) => document !== 'docs/simulator.md'))(
    'name variables that exist: %s',
    (document) => {
      const others = [
        'NODE_OPTIONS',
        'NAME_FILE',
        'DATABASES',
        'TEST_POSTGRES_URL',
        'WECHAT_TOKEN_CENTER_URL',
        // A mode of MySQL.
        'NO_BACKSLASH_ESCAPES',
      ];
      const known = [...variableNames, ...variableNames.map((name) => `${name}_FILE`), ...others];
      const named = codeWords(readFileSync(document, 'utf8'))
        .map((word) => word.replace(/=.*$/, ''))
        .filter((word) => /^[A-Z]+(?:_[A-Z]+)+$/.test(word));
      expect(named.filter((name) => !known.includes(name))).toEqual([]);
    },
  );

  it('can all be reached by links from README.md', () => {
    const reached = new Set(['README.md']);
    for (const document of reached) {
      links(document)
        .filter(({ target }) => DOCUMENTS.includes(target))
        .forEach(({ target }) => reached.add(target));
    }
    expect(DOCUMENTS.filter((document) => !reached.has(document))).toEqual([]);
  });

  it('name every npm script in CONTRIBUTING.md', () => {
    const text = readFileSync('CONTRIBUTING.md', 'utf8');
    const isNamed = (script: string): boolean =>
      text.includes(`\`npm run ${script}\``) || text.includes(`\`npm ${script}\``);
    expect(SCRIPTS.filter((script) => !isNamed(script))).toEqual([]);
  });

  it('stand where comments and messages point to', () => {
    const pointers = [...SOURCES, ...CONFIGURATIONS].flatMap((file) =>
      [
        ...readFileSync(file, 'utf8').matchAll(
          /(?<![\w/.])docs\/(?:[\w-]+\.md|adr\/\d{4}(?:[\w.-]*\.md)?)/g,
        ),
      ].map(([pointer]) => ({ file, pointer })),
    );
    const lost = pointers.filter(
      ({ pointer }) =>
        !DOCUMENTS.some((document) => document === pointer || isDecision(document, pointer)),
    );
    expect(pointers.length).toBeGreaterThan(5);
    expect(lost).toEqual([]);
  });
});

/** `docs/adr/0003` is short for the one decision with that number. */
function isDecision(document: string, pointer: string): boolean {
  return /^docs\/adr\/\d{4}/.test(pointer) && document.startsWith(`${pointer}-`);
}
