/** One run: how it does and why in front, its nodes over time, and what is known of the node that is chosen. */

import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { NodeView, RunHead } from '../api.js';
import { EventsView } from './events-view.js';
import { failureReport } from './failure-report.js';
import { showIcon } from './favicon.js';
import { Gantt, goToFailure } from './gantt.js';
import { useKeys } from './keys.js';
import { OutputView } from './output-view.js';
import { Badge, Button } from './parts.js';
import { RawView } from './raw-view.js';
import { useSignal } from './reactive.js';
import { addressOf, choose, follow, go, route, TABS } from './route.js';
import { RunModel } from './run-model.js';
import { nodeMark, runMark } from './status.js';
import { count, messageOf, timeOf, visible } from './text.js';
import { createdAt, duration, moment, now, zone } from './time.js';

/** See above. */
export function RunView({
  runId,
  printing,
}: {
  readonly runId: string;
  readonly printing: boolean;
}): JSX.Element {
  const model = useMemo(() => new RunModel(runId), [runId]);
  useEffect(() => () => model.close(), [model]);
  useKeys({ u: () => go({}) });
  const run = model.run.value;
  useEffect(() => {
    const mark = run === undefined ? undefined : runMark(run);
    document.title = `${mark === undefined ? '' : `${mark.glyph} `}${progress(run)}${runId.slice(0, -27)} – omne-log`;
    showIcon(mark?.kind ?? 'running');
  }, [run, runId]);
  if (run === undefined) {
    return (
      <main class="one-run">
        <h1>{visible(runId)}</h1>
        <p role={model.failure.value === undefined ? 'status' : 'alert'} class="problem">
          {model.failure.value === undefined ? 'Loading' : visible(model.failure.value)}
        </p>
      </main>
    );
  }
  const nodes = model.nodes.value;
  const { node: wanted, iteration, tab } = route.value;
  const node =
    nodes.find(({ nodeId }) => nodeId === wanted) ?? (wanted === undefined ? mostTelling(nodes) : undefined);
  return (
    <main class="one-run">
      <Header run={run} nodes={nodes} />
      <Gantt run={run} nodes={nodes} selected={node} iteration={iteration} whole={printing} />
      <section class="detail" aria-label="The chosen node">
        {node && <NodeFacts node={node} iteration={iteration} />}
        <div class="tabs" role="tablist">
          {TABS.map(name => (
            <Button
              key={name}
              class="tab"
              role="tab"
              aria-selected={tab === name}
              onClick={() => choose({ tab: name, lines: undefined })}
            >
              {name}
            </Button>
          ))}
        </div>
        <div role="tabpanel" class="panel" aria-label={tab}>
          {tab === 'events' ? (
            <EventsView model={model} node={node} />
          ) : node === undefined ? (
            <p class="empty">No node has begun.</p>
          ) : model.source.value?.outputs === false ? (
            <p class="empty">Outputs are not mirrored.</p>
          ) : tab === 'raw' ? (
            <RawView model={model} node={node} />
          ) : (
            <OutputView key={`${node.nodeId} ${iteration}`} model={model} node={node} iteration={iteration} />
          )}
        </div>
      </section>
    </main>
  );
}

/** What to look at first: what failed, else what runs, else what ended last. */
function mostTelling(nodes: readonly NodeView[]): NodeView | undefined {
  return (
    nodes.find(({ status }) => status === 'failed') ??
    nodes.findLast(({ status }) => status === 'running') ??
    nodes.at(-1)
  );
}

function progress(run: RunHead | undefined): string {
  if (run === undefined || run.status !== 'running') return '';
  return `${run.counts.completed}/${run.counts.nodes} `;
}

function Header({ run, nodes }: { readonly run: RunHead; readonly nodes: readonly NodeView[] }): JSX.Element {
  const mark = runMark(run);
  const started = timeOf(run.startedAt) || createdAt(run.runId);
  const takes = run.durationMs ?? (run.live === true ? now.value - started : undefined);
  const copied = useSignal('');
  const failed = nodes.find(({ status }) => status === 'failed');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(await failureReport(run, nodes));
      copied.value = 'Copied';
    } catch (error) {
      copied.value = `Not copied: ${messageOf(error)}`;
    }
  };
  const { counts } = run;
  return (
    <header class="head">
      <p class="path">
        <a href={addressOf({})} onClick={follow}>
          Runs
        </a>{' '}
        / <code>{run.runId}</code>
      </p>
      <h1>
        {visible(run.pipe)} <Badge mark={mark} role="status" />{' '}
        <small>{takes === undefined ? '' : duration(takes)}</small>
      </h1>
      {run.reason && <p class="reason">{visible(run.reason)}</p>}
      {run.problem && (
        <p class="problem">
          The log is damaged: {visible(run.problem)}
          {run.malformedLines > 0 ? `; ${count(run.malformedLines, 'line')} passed over` : ''}
        </p>
      )}
      <p class="facts">
        {`started ${moment(run.startedAt, zone.value) || 'at an unknown time'}, `}
        {`${counts.completed} of ${count(counts.nodes, 'node')} completed`}
        {counts.failed > 0 ? `, ${counts.failed} failed` : ''}
        {counts.running > 0 ? `, ${counts.running} running` : ''}
        {`, ${count(counts.events, 'event')}`}
        {run.inputs.map(({ key, value }, index) => (
          <span key={index} class="input">{`${visible(key)} = ${visible(value)}`}</span>
        ))}
      </p>
      {failed === undefined && run.status !== 'aborted' ? null : (
        <p class="actions">
          {failed && <Button onClick={() => goToFailure(nodes)}>Go to the failure (e)</Button>}
          <Button onClick={() => void copy()}>Copy the failure as Markdown</Button>{' '}
          <span role="status">{copied.value}</span>
        </p>
      )}
    </header>
  );
}

function NodeFacts({
  node,
  iteration,
}: {
  readonly node: NodeView;
  readonly iteration: number | undefined;
}): JSX.Element {
  const mark = nodeMark(node.status);
  return (
    <div class="node-facts">
      <h2>
        {visible(node.nodeId)} <Badge mark={mark} />{' '}
        <small>
          {[
            node.name,
            node.kind,
            node.model,
            node.durationMs === undefined ? undefined : duration(node.durationMs),
          ]
            .filter(fact => fact !== undefined)
            .map(visible)
            .join(', ')}
        </small>
      </h2>
      {node.status !== 'failed' ? null : (
        <p class="reason">
          {node.errorKind === undefined ? '' : <b>{visible(node.errorKind)} </b>}
          {visible(node.message ?? '')}
        </p>
      )}
      {node.iterationCount > 0 && (
        <label>
          Iteration{' '}
          <select
            value={iteration === undefined ? '' : String(iteration)}
            onChange={event => {
              const { value } = event.currentTarget;
              choose({
                node: node.nodeId,
                iteration: value === '' ? undefined : Number(value),
                lines: undefined,
              });
            }}
          >
            <option value="">all</option>
            {node.iterations.map(({ iteration: number }) => (
              <option key={number} value={String(number)}>
                {number}
              </option>
            ))}
          </select>
        </label>
      )}
      {node.gates.length > 0 && (
        <ul class="gates">
          {node.gates.map(gate => (
            <li key={gate.passedAt + gate.gate}>
              <b aria-hidden="true">◆</b> {`gate ${visible(gate.gate)} passed by ${visible(gate.method)}, `}
              {moment(gate.passedAt, zone.value)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
