// Starts the fault run (main.ts), or many of them (matrix.ts), which the build does not compile;
// `npm run check:types` checks them.
import '../scripts/load-typescript.mjs';

await import(process.argv[2] === 'matrix' ? './matrix.ts' : './main.ts');
