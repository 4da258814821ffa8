/** The list of runs: live ones first, filters, a row each. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { RunRow } from '../api.js';
import { useKeys } from './keys.js';
import { addressOf, choose, follow, route, STATUSES } from './route.js';
import {
  countRuns,
  countsOf,
  keepRuns,
  pipes,
  runsFailure,
  runsLoading,
  shownRuns,
  source,
  unloaded,
} from './runs-model.js';
import { runMark } from './status.js';
import { bytes, count, timeOf, visible } from './text.js';
import { ago, createdAt, duration, moment, now, zone } from './time.js';
import { VirtualList } from './virtual-list.js';

const ROW_PX = 44;
const COUNT_AFTER_MS = 150;

/** The first page. */
export function RunsView(): JSX.Element {
  const find = useRef<HTMLInputElement>(null);
  const runs = shownRuns.value;
  const { pipe, status, text } = route.value;
  useEffect(keepRuns, []);
  useEffect(() => {
    document.title = 'Runs – omne-log';
  }, []);
  useKeys({ '/': () => find.current?.focus() });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const onView = (first: number, end: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void countRuns(shownRuns.value.slice(first, end)), COUNT_AFTER_MS);
  };
  return (
    <main class="runs">
      <h1>
        Runs <small>{source.value === undefined ? '' : visible(source.value.name)}</small>
      </h1>
      <search>
        <form class="filters" onSubmit={event => event.preventDefault()}>
          <label>
            Find{' '}
            <input
              ref={find}
              type="search"
              value={text}
              placeholder="run id, reason"
              onInput={event => choose({ text: event.currentTarget.value }, 'replace')}
            />
          </label>
          <label>
            Pipe{' '}
            <select value={pipe} onChange={event => choose({ pipe: event.currentTarget.value })}>
              <option value="">any pipe</option>
              {pipes.value.map(name => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label>
            Status{' '}
            <select
              value={status}
              onChange={event => choose({ status: STATUSES[event.currentTarget.selectedIndex]?.[0] ?? '' })}
            >
              {STATUSES.map(([value, word]) => (
                <option key={value} value={value}>
                  {word}
                </option>
              ))}
            </select>
          </label>
          <output>
            {runsLoading.value ? 'loading' : count(runs.length, 'run')}
            {unloaded.value > 0 ? ` of those loaded; ${count(unloaded.value, 'run')} more` : ''}
          </output>
        </form>
      </search>
      {runsFailure.value && (
        <p class="problem" role="alert">
          The runs could not be loaded: {visible(runsFailure.value)}. Trying again.
        </p>
      )}
      {runs.length === 0 && !runsLoading.value ? (
        <p class="empty">{text + pipe + status === '' ? 'No runs yet.' : 'No run fits.'}</p>
      ) : (
        <VirtualList
          count={runs.length}
          rowHeight={ROW_PX}
          label="Runs"
          onView={onView}
          row={index => {
            const run = runs[index];
            return run && <Row run={run} />;
          }}
        />
      )}
    </main>
  );
}

function Row({ run }: { readonly run: RunRow }): JSX.Element {
  const mark = runMark(run);
  const started = timeOf(run.startedAt) || createdAt(run.runId);
  const counts = countsOf(run);
  const running = run.status === 'running' && run.live === true;
  const takes = run.durationMs ?? (running ? now.value - started : undefined);
  return (
    <a class={`run ${mark.kind}`} href={addressOf({ runId: run.runId })} onClick={follow}>
      <span class="mark">
        <b aria-hidden="true">{mark.glyph}</b> {mark.word}
      </span>
      <span class="id" title={run.runId}>
        {run.runId}
      </span>
      <span class="why" title={visible(run.problem ?? run.reason ?? '')}>
        {visible(run.problem ?? run.reason ?? '')}
      </span>
      <span class="counts">
        {counts === undefined
          ? bytes(run.bytes)
          : `${counts.completed}/${count(counts.nodes, 'node')}${counts.failed > 0 ? `, ${counts.failed} failed` : ''}`}
      </span>
      <span class="time" title={moment(new Date(started).toISOString(), zone.value)}>
        {ago(started, now.value)}
      </span>
      <span class="time">{takes === undefined ? '–' : duration(takes)}</span>
    </a>
  );
}
