// Verifies receipts (c2sp.org/tlog-proof@v1) with @sigstore/verify: none of Keyholder's code is used here.
//
// Reads {"keys": [{"name", "id", "spki"}], "proofs": [{"leaf", "text"}]} on stdin, bytes in base64, and writes a list
// with `null` for each proof that holds, else the words of what is wrong. Run by tests/unit/ledger/test_independent.py.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

// Internal modules: the package exports only what verifies whole Sigstore bundles.
const packages = path.resolve(process.argv[2], 'node_modules', '@sigstore', 'verify', 'dist', 'tlog');
const { verifyCheckpoint } = require(path.join(packages, 'checkpoint.js'));
const { verifyMerkleInclusion } = require(path.join(packages, 'merkle.js'));

const HEADER = 'c2sp.org/tlog-proof@v1';

function read(text) {
  const end = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, end).split('\n');
  if (end < 0 || header !== HEADER || !/^index \d+$/.test(lines[0] ?? '')) {
    throw new Error('not a tlog-proof');
  }
  return {
    logIndex: lines[0].slice('index '.length),
    hashes: lines.slice(1).map((line) => Buffer.from(line, 'base64')),
    checkpoint: { envelope: text.slice(end + 2) },
  };
}

function verify(proof, logs) {
  const entry = {
    canonicalizedBody: Buffer.from(proof.leaf, 'base64'),
    inclusionProof: read(Buffer.from(proof.text, 'base64').toString('utf-8')),
  };
  const checkpoint = verifyCheckpoint(entry, logs);
  if (!logs.some((log) => log.baseURL === checkpoint.origin)) {
    throw new Error('a checkpoint of another log');
  }
  verifyMerkleInclusion(entry, checkpoint);
}

const asked = JSON.parse(fs.readFileSync(0, 'utf-8'));
const logs = asked.keys.map((key) => ({
  baseURL: key.name,
  logID: Buffer.from(key.id, 'base64'),
  publicKey: crypto.createPublicKey({ key: Buffer.from(key.spki, 'base64'), format: 'der', type: 'spki' }),
}));
const results = asked.proofs.map((proof) => {
  try {
    verify(proof, logs);
    return null;
  } catch (fault) {
    return String(fault.message);
  }
});
process.stdout.write(JSON.stringify(results));
