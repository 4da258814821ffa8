/**
 * What the elements in the sources are compiled to: every view draws itself again when a signal that it has read changes, or when
 * its properties do, and at no other time.
 */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals-core';
import {
  Component,
  type ComponentChildren,
  type ComponentClass,
  h as element,
  Fragment,
  type FunctionComponent,
  type JSX,
} from 'preact';
import { useMemo } from 'preact/hooks';

export { Fragment };

type Properties = Readonly<Record<string, unknown>>;
type View = FunctionComponent<Properties>;

const views = new Map<View, ComponentClass<Properties>>();

/** Makes an element; a function in the place of its name is a view. */
export function h(
  type: string | View,
  properties: Properties | null,
  ...children: ComponentChildren[]
): JSX.Element {
  if (typeof type === 'string') return element(type, properties, ...children);
  if (type === Fragment) return element(Fragment, properties, ...children);
  return element(viewOf(type), properties, ...children);
}

/** The view as a component that hears of signals. */
function viewOf(view: View): ComponentClass<Properties> {
  const known = views.get(view);
  if (known !== undefined) return known;
  class Listening extends Component<Properties> {
    #stop: (() => void) | undefined;

    override shouldComponentUpdate(next: Properties, state: unknown): boolean {
      const now = this.props;
      return state !== this.state || Object.keys({ ...now, ...next }).some(name => now[name] !== next[name]);
    }

    override componentWillUnmount(): void {
      this.#stop?.();
    }

    override render(properties: Properties): ComponentChildren {
      let drawn: ComponentChildren;
      let isFirst = true;
      this.#stop?.();
      this.#stop = effect(() => {
        if (isFirst) drawn = view(properties);
        else this.setState({});
        isFirst = false;
      });
      return drawn;
    }
  }
  views.set(view, Listening);
  return Listening;
}

/** A signal of this view alone. */
export function useSignal<Value>(first: Value): Signal<Value> {
  return useMemo(() => signal(first), []);
}

/** What follows from other signals, for as long as `on` is the same. */
export function useComputed<Value>(value: () => Value, on: readonly unknown[]): ReadonlySignal<Value> {
  return useMemo(() => computed(value), on);
}
