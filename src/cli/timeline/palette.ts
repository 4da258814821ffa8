/**
 * The colours of the timeline and of the live page, light and dark.
 *
 * They are of Okabe and Ito's palette, which colour-blind people can tell apart; a failure is hatched besides, and what still
 * runs or was interrupted has a dashed outline, so that nothing rests on colour alone.
 */
export const PALETTE: string = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #1b1f24; --faint: #667079; --line: #e3e7eb; --band: #f6f8fa;
  --done: #0072b2; --failed: #d55e00; --running: #56b4e9; --mark: #1b1f24; --tick: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181d; --ink: #e6e9ec; --faint: #98a2ad; --line: #2b323a; --band: #1a2027;
    --done: #3d9fd8; --failed: #ff8a3d; --running: #7cc8f2; --mark: #ffffff; --tick: #14181d;
  }
}
`;
