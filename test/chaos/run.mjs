// Starts the fault run (main.ts). TypeScript below test/ is not compiled by the build, so it is stripped
// of its types while it is loaded; `npm run check:types` checks it.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
await import('./main.ts');
