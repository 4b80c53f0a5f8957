import type {
  ParetoPoint,
  ReportDocument,
  ReportExplanations,
  ReportLayer,
  ReportModel,
  ReportTensor,
  ReportVariant,
} from '../../src/report/report-document.js';
import type { ReportSimulation, ReportTrace } from '../../src/report/simulation-document.js';

export type {
  ParetoPoint,
  ReportDocument,
  ReportExplanations,
  ReportLayer,
  ReportModel,
  ReportSimulation,
  ReportTensor,
  ReportTrace,
  ReportVariant,
};

/** Where a node is drawn, as the renderer has laid it out. */
export interface NodePlace {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** What lies in the page: the document, and for each model where its nodes are drawn. */
export interface PageContent {
  readonly document: ReportDocument;
  readonly places: readonly (readonly NodePlace[])[];
}

/** Reads the content out of the page: JSON, deflated, in base64. */
export async function readContent(): Promise<PageContent> {
  const text = document.getElementById('content')?.textContent?.trim() ?? '';
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return (await new Response(stream).json()) as PageContent;
}
