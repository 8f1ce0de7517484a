// SPDX-License-Identifier: Apache-2.0
// Compiles formats/*.ksy and reads a store, or a bundle, with what came out: node kaitai.js FORMATS STORE|BUNDLE. Prints what kaitai_expected.py prints of the decoder's
// reading, one JSON value a line. Exit status 77: a module is not installed.
"use strict";
const fs = require("fs"), path = require("path");
let Compiler, KaitaiStream, yaml;
try {
    Compiler = require("kaitai-struct-compiler");
    KaitaiStream = require("kaitai-struct/KaitaiStream");
    yaml = require("js-yaml");
} catch (error) {
    console.error(error.message.split("\n")[0]);
    process.exit(77);
}
const formats = process.argv[2], store = process.argv[3];
const hex = (bytes) => Buffer.from(bytes).toString("hex");

// The compiler makes a module in the "universal" shape, which hands its class to what it exports.
function load(files, name) {
    const main = Object.keys(files).find((file) => file.toLowerCase().startsWith(name.replace(/_/g, "")));
    const module = { exports: {} };
    new Function("module", "exports", "require", files[main])(module, module.exports, (wanted) => {
        if (wanted.endsWith("KaitaiStream")) return KaitaiStream;
        return require(wanted);
    });
    const exported = module.exports;
    return typeof exported === "function" ? exported : Object.values(exported).find((value) => typeof value === "function");
}

async function compile(name) {
    const ksy = yaml.load(fs.readFileSync(path.join(formats, name + ".ksy"), "utf8"));
    const compiler = typeof Compiler.compile === "function" ? Compiler : new Compiler();
    return load(await compiler.compile("javascript", ksy, null, false), name);
}

const read = (type, file) => new type(new KaitaiStream(fs.readFileSync(path.join(store, file))));
const list = (folder, letter) => fs.readdirSync(path.join(store, folder)).filter((n) => n.startsWith(letter) && !n.includes(".")).sort();
const say = (value) => console.log(JSON.stringify(value));

async function bundle() {
    const Bundle = await compile("pcct_bundle"), file = read(Bundle, "");
    const h = file.head;
    say({ uuid: hex(h.uuid), dimension: h.dimension, metric: h.metric, seed: h.seed, base: hex(h.base), versions: h.numVersions, refs: h.numRefs });
    for (const v of file.versions) {
        const f = v.frame.head;
        say({ version: f.version, parent: hex(v.parent), state_parent: hex(v.stateParent), identity: hex(f.identity), branch: f.branch,
              note: hex(v.frame.note), payload: v.frame.payload.length });
    }
    for (const r of file.refs) say({ name: r.name, kind: r.kind, identity: hex(r.identity) });
}

async function main() {
    if (fs.statSync(store).isFile()) return bundle();
    const Super = await compile("pcct_super"), Journal = await compile("pcct_journal"), Anchor = await compile("pcct_anchor");
    const Piece = await compile("pcct_piece");
    const copy = read(Super, "SUPER").copies[0];
    say({ uuid: hex(copy.uuid), format: copy.format, dimension: copy.dimension, metric: copy.metric, seed: copy.seed, custom: copy.customMetric });
    for (const name of list("journal", "J")) {
        const segment = read(Journal, path.join("journal", name));
        say({ segment: segment.head.number, bytes: segment.head.lenSegment, base: segment.head.hasBase });
        for (const slot of segment.frames.filter((s) => s.isFrame)) {
            const h = slot.frame.head;
            const payload = slot.frame.payload;
            const sections = h.operation === 0 ? payload.sections.map((s) => [s.kind, s.array, s.count, s.lenBody]) : [];
            const entries = h.operation === 6 ? payload.entries.map((e) => [e.table, hex(e.key), e.value.length]) : [];
            say({ operation: h.operation, version: h.version, parent: h.parent, state_parent: h.stateParent, identity: hex(h.identity), branch: h.branch,
                  rows: h.numRows, live: h.numLive, note: hex(slot.frame.note), rows_after: sections.length ? payload.sections[0].body.rowsAfter : null,
                  sections, entries });
        }
    }
    for (const name of list("data", "A")) {
        const anchor = read(Anchor, path.join("data", name));
        const arrays = anchor.head.arrays.map((a) => [a.array, a.lenItem, a.numItems, a.ofsItems, a.ofsItems ? a.items.length : 0]);
        say({ anchor: anchor.head.version, rows: anchor.image.numRows, live: anchor.image.numLive, levels: anchor.image.levels.length,
              units: anchor.sideTable.length, arrays, pieces: anchor.head.pieces.map((p) => p.number),
              runs: anchor.head.runs.map((r) => [r.array, r.piece, r.ofsRun, r.lenRun]) });
    }
    for (const name of list("data", "P")) {
        const h = read(Piece, path.join("data", name)).head;
        say({ piece: h.number, bytes: h.lenFile, runs: h.lenRuns, version: h.version });
    }
}
main().catch((error) => {
    console.error(error);
    process.exit(1);
});
