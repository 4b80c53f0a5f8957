import { openOrtNode, probeTrapModel, probeTraps, TRAPS } from '@bitwright/runtime';
import { it } from 'vitest';
it('x', async () => {
  const t=performance.now(); const r=await probeTraps(openOrtNode); console.log((performance.now()-t).toFixed(0),'ms'); 
  for (const x of r) console.log(x.trap, x.present);
  for (const t of TRAPS) console.log(t.name, t.model&&await probeTrapModel(openOrtNode,t.model()), t.guarded && await probeTrapModel(openOrtNode,t.guarded()));
});
