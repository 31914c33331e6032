"""Serves a model file by llama.cpp's own HTTP server until it is stopped: FILE CONTEXT PORT KEY."""

import sys
import time

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = int(sys.argv[2])
params.port = int(sys.argv[3])
params.api_keys = [sys.argv[4]]
params.n_parallel = 1
params.use_jinja = True
params.sampling.temp = 0.0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
while True:
    time.sleep(3600)
