// A dev node of its own for one test file: free port, temporary chain, its log in a file.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ApiPromise, WsProvider } from '@polkadot/api';

const READY_WITHIN_MS = 60_000;

/** The node's executable: $WEFT_NODE_BIN, or what `make build` left. */
function executable() {
    const path = process.env.WEFT_NODE_BIN ?? new URL('../../bin/weft-node', import.meta.url).pathname;
    if (!existsSync(path)) throw new Error(`${path} does not exist: run \`make build\`, or set WEFT_NODE_BIN`);
    return path;
}

/** A port nobody listens on now. */
function freePort() {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

/** Whether somebody listens on a port. */
function listens(port) {
    return new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
    });
}

/** Starts a dev node and connects to it. `stop` ends both and removes what they left. */
export async function startDevNode() {
    const folder = mkdtempSync(join(tmpdir(), 'weft-js-'));
    const logPath = join(folder, 'node.log');
    const log = openSync(logPath, 'w');
    const port = await freePort();
    const args = ['--dev', '--base-path', join(folder, 'chain'), '--rpc-port', `${port}`, '--port', '0', '--no-prometheus'];
    const node = spawn(executable(), args, { stdio: ['ignore', log, log] });
    const exited = new Promise((resolve) => node.once('exit', (code, signal) => resolve(code ?? signal)));
    const kill = () => node.kill('SIGKILL');
    process.once('exit', kill);

    let api;
    let stopping = false;
    const stop = async () => {
        stopping = true;
        await api?.disconnect();
        kill();
        await exited;
        process.off('exit', kill);
        rmSync(folder, { recursive: true, force: true });
    };
    try {
        const since = Date.now();
        // The client would try as well, and say so at every failure.
        while (!(await listens(port))) {
            if (node.exitCode !== null || node.signalCode !== null) throw new Error(`it ended with ${await exited}`);
            if (Date.now() - since > READY_WITHIN_MS) throw new Error(`no answer within ${READY_WITHIN_MS} ms`);
            await sleep(100);
        }
        const provider = new WsProvider(`ws://127.0.0.1:${port}`, 250);
        api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true });
        // A node that dies under the tests ends them at once, and says why.
        exited.then((how) => {
            if (stopping) return;
            console.error(`the dev node ended with ${how}\n${tail(logPath)}`);
            process.exit(1);
        });
        return { api, rpc: (method, ...params) => provider.send(method, params), stop };
    } catch (error) {
        const log = tail(logPath);
        await stop();
        throw new Error(`the dev node did not come up: ${error.message}\n${log}`);
    }
}

/** The last lines of a file. */
function tail(path) {
    return readFileSync(path, 'utf8').split('\n').slice(-30).join('\n');
}

/**
 * Signs and sends a transaction and waits until it is in a block.
 *
 * Resolves to its events and the block's hash; rejects with an error whose message is `pallet.ErrorName`.
 */
export function send(api, tx, signer) {
    return new Promise((resolve, reject) => {
        tx.signAndSend(signer, { nonce: -1 }, ({ status, events, dispatchError, isError }) => {
            if (dispatchError?.isModule) {
                const { section, name } = api.registry.findMetaError(dispatchError.asModule);
                reject(new Error(`${section}.${name}`));
            } else if (dispatchError) {
                reject(new Error(dispatchError.toString()));
            } else if (isError) {
                reject(new Error(`the pool refused it: ${status.type}`));
            } else if (status.isInBlock) {
                resolve({ block: status.asInBlock, events: events.map(({ event }) => event) });
            }
        }).catch(reject);
    });
}

/** The data of the one event `section.method` among `events`, by field name. */
export function only(events, section, method) {
    const found = events.filter((event) => event.section === section && event.method === method);
    if (found.length !== 1) {
        const seen = events.map((event) => `${event.section}.${event.method}`);
        throw new Error(`expected one ${section}.${method}, found ${found.length} among ${seen.join(', ')}`);
    }
    return found[0].data;
}
