import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// WEIR_URL: the server that `npm run dev` passes requests to (the program itself or dev/fixture-server.mjs).
const server = process.env.WEIR_URL ?? 'http://127.0.0.1:8480';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // data: addresses are closed by the Content-Security-Policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
  },
  server: {
    // A cookie counts only with the server's own Origin.
    proxy: { '/v1': { target: server, changeOrigin: true, headers: { Origin: server } }, '/health': server, '/metrics': server },
  },
});
