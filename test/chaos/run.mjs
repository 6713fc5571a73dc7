// Starts the fault run (main.ts). TypeScript below test/ is not compiled by the build, so it is stripped
// of its types while it is loaded; `npm run check:types` checks it.
import '../../scripts/load-typescript.mjs';

await import('./main.ts');
