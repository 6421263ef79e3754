// Reads an account with HubSpot's own client, and prints what it gives as JSON: a second opinion on the
// account that the tests of this project serve (tests/it/mock/hubspot.rs).
// Does not: use a line of this project's own reading; reach any network but the address it is given.

import { createRequire } from 'node:module';

const [, , installed, basePath, accessToken] = process.argv;
const { Client } = createRequire(installed)('@hubspot/api-client');
const client = new Client({ accessToken, basePath, numberOfApiCallRetries: 3 });
const told = { types: {}, owners: [], stages: [] };

for (const [kind, api] of Object.entries({
  contacts: client.crm.contacts, companies: client.crm.companies, deals: client.crm.deals,
})) {
  const known = await client.crm.properties.coreApi.getAll(kind, false);
  const properties = known.results.map(property => property.name);
  const records = {};
  let after = '0';
  while (after !== undefined) {
    const page = await api.searchApi.doSearch({
      filterGroups: [{ filters: [{ propertyName: 'hs_object_id', operator: 'GT', value: '0' }] }],
      sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
      properties, limit: 100, after,
    });
    for (const record of page.results) {
      if (!(record.createdAt instanceof Date)) throw new Error(`record ${record.id} has no createdAt`);
      records[record.id] = { properties: record.properties, history: {}, companies: [] };
    }
    after = page.paging?.next?.after;
  }
  const ids = Object.keys(records);
  for (let at = 0; at < ids.length; at += 50) {
    const inputs = ids.slice(at, at + 50).map(id => ({ id }));
    const batch = await api.batchApi.read({
      inputs, properties: ['hs_object_id'], propertiesWithHistory: ['dealstage', 'lifecyclestage', 'industry'],
    });
    for (const { id, propertiesWithHistory } of batch.results) {
      for (const [name, versions] of Object.entries(propertiesWithHistory)) {
        records[id].history[name] = versions.map(version => version.value).reverse();
      }
    }
    if (kind === 'companies') continue;
    const linked = await client.crm.associations.v4.batchApi.getPage(kind, 'companies', { inputs });
    for (const { _from: from, to } of linked.results) {
      records[from.id].companies = to.map(other => Number(other.toObjectId));
    }
  }
  told.types[kind] = records;
}
for (const archived of [false, true]) {
  let after;
  do {
    const page = await client.crm.owners.ownersApi.getPage(undefined, after, 500, archived);
    told.owners.push(...page.results.map(owner => owner.id));
    after = page.paging?.next?.after;
  } while (after !== undefined);
}
const pipelines = await client.crm.pipelines.pipelinesApi.getAll('deals');
told.stages = pipelines.results.flatMap(pipeline => pipeline.stages.map(stage => stage.label));
process.stdout.write(JSON.stringify(told));
