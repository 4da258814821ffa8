#!/usr/bin/env node
/**
 * The command `omne-log`: its first file, which has what comes after it compiled only once.
 *
 * Promise: this file is so small that it costs nothing; all the work is in cli/main.ts.
 */
import module from 'node:module';

// From Node 22.1 on: what was compiled once is kept, in the folder that Node says or in that for temporary files.
const keepCompiled: unknown = Reflect.get(module, 'enableCompileCache');
if (typeof keepCompiled === 'function') keepCompiled();

void import('./cli/main.js');
