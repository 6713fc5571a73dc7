/*
 * Loaded into each child before its own code (`node --import`). The demonstration holds the other end of
 * the child's standard input; when it dies without a word (SIGKILL), that end closes, and the child ends.
 */
process.stdin.once('close', () => {
  process.exit(1);
});
process.stdin.resume();
// Listening to it must not keep a child alive that has finished by itself.
process.stdin.unref();
