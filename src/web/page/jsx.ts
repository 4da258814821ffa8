/** What the elements in the sources are compiled to: shorter calls than those of the automatic transform. */
export { Fragment, h } from 'preact';
