// Prunes a volume, to be killed in the act: says when it begins.
import { EventLog } from '../../../dist/index.js';

const [, , root] = process.argv;
process.stdout.write('begun\n');
await EventLog.prune(root, { olderThan: 30 * 86_400_000 });
