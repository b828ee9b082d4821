// Calls methods of @signageos/sdk, as somebody else's code would: lines of JSON [path, arguments] in, lines of JSON [what, about] out.
// A Date travels as {"$date": "…"}, bytes as {"$bytes": "base64"}. "next" asks the last list for its next page, "methods" lists all.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const sdk = require("@signageos/sdk");
const { url, organizationAuth, accountAuth, organizationUid } = JSON.parse(process.argv[2]);
const options = { url, organizationAuth, accountAuth, organizationUid };
const apis = { v1: sdk.createApiV1(options), v2: sdk.createApiV2(options) };
let last = null;

const revive = (_, value) => {
  if (value?.$date) return new Date(value.$date);
  return value?.$bytes ? Buffer.from(value.$bytes, "base64") : value;
};
const mark = (value) => {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (Array.isArray(value)) return value.map(mark);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !/^(options|dependencies)$/.test(name)).map(([name, one]) => [name, mark(one)]));
};

const methods = (at, path, seen, found) => {
  if (at === null || typeof at !== "object" || seen.has(at)) return found;
  seen.add(at);
  for (let kind = Object.getPrototypeOf(at); kind && kind !== Object.prototype; kind = Object.getPrototypeOf(kind))
    for (const name of Object.getOwnPropertyNames(kind)) {
      const own = Object.getOwnPropertyDescriptor(kind, name);
      if (name !== "constructor" && typeof own.value === "function") found.add(`${path}.${name}`);
      if (own.get) methods(at[name], `${path}.${name}`, seen, found);
    }
  for (const name of Object.getOwnPropertyNames(at)) if (!/^(options|dependencies)$/.test(name)) methods(at[name], `${path}.${name}`, seen, found);
  return found;
};

const call = async (path, args) => {
  if (path === "methods") return [...methods(apis.v1, "v1", new Set(), new Set()), ...methods(apis.v2, "v2", new Set(), new Set())];
  if (path === "next") return (last = await last.getNextPage());
  const pieces = path.split(".");
  const name = pieces.pop();
  const owner = pieces.reduce((at, piece) => at[piece], apis);
  return (last = await owner[name](...args));
};

for await (const line of createInterface({ input: process.stdin })) {
  const [path, args] = JSON.parse(line, revive);
  let said;
  try {
    said = ["done", mark((await call(path, args)) ?? null)];
  } catch (error) {
    said = ["failed", { kind: error.constructor.name, message: error.message, name: error.errorName ?? null }];
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
