// Reads an org with jsforce, and prints what it gives as JSON: a second opinion on the org that the tests
// of this project serve (tests/it/mock/salesforce.rs), and on what this project reads of it.
// Does not: use a line of this project's own reading; reach any network but the address it is given.

import { createRequire } from 'node:module';

const [, , installed, loginUrl, clientId, clientSecret, version, queries] = process.argv;
const jsforce = createRequire(installed)('jsforce');
const connection = new jsforce.Connection({ oauth2: { loginUrl, clientId, clientSecret }, version });
await connection.authorize({
  grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret,
});
const versions = await connection.request(`${connection.instanceUrl}/services/data/`);
if (!versions.some(offered => offered.version === version)) throw new Error(`${version} is not offered`);

const told = [];
for (const soql of JSON.parse(queries)) {
  const [, columns, table] = /^SELECT (.+?) FROM (\w+) /.exec(soql);
  const described = await connection.sobject(table).describe();
  const names = described.fields.flatMap(field => [field.name, field.relationshipName]);
  for (const column of columns.split(', ')) {
    if (!names.includes(column.split('.')[0])) throw new Error(`${table} has no ${column}`);
  }
  const counted = await connection.query(soql.replace(columns, 'COUNT()').replace(' ORDER BY Id', ''));
  const paged = await connection.query(soql).run({ autoFetch: true, maxFetch: 1e6 });
  const bulk = await connection.bulk2.query(soql.replace(' ORDER BY Id', ''), { pollInterval: 20 });
  told.push({ soql, count: counted.totalSize, paged, bulk: await bulk.toArray() });
}
process.stdout.write(JSON.stringify(told));
