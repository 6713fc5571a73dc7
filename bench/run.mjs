// Starts the benchmark (main.ts), which the build does not compile; `npm run check:types` checks it.
import '../scripts/load-typescript.mjs';

await import('./main.ts');
