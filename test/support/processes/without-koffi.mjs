/** Prints how a log is refused where koffi is missing, and what it takes unlocked: `without-koffi <index.js> <root>`. */
const [, , index, root] = process.argv;
const { EventLog } = await import(index);

await EventLog.create(root, 'feature').then(
  () => console.log('created'),
  error => console.log(error.code),
);
const log = await EventLog.create(root, 'feature', { lock: false });
await log.append({ type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook' });
await log.close();
for await (const event of EventLog.read(root, log.runId)) console.log(event.type);
