"""Writes a language model of a few hundred kilobytes whose next token depends on the last one alone.

Attention and feed-forward layers are zero and the embeddings are unit vectors, so the output matrix is a table:
after the mark for an answer comes a tool call, after the mark for a tool's result comes a sentence, and after
these the end. Which mark ends the prompt is the chat template's choice. Everything around the numbers is
llama.cpp's own: template, tokenizer, tool-call grammar and parser, HTTP server.
"""

import gguf
import numpy as np

WIDTH = 320
CALL = '<tool_call>{"name":▁"read",▁"arguments":▁{"path":▁"USER.md"}}</tool_call>'
SAID = "I▁have▁read▁the▁file.▁Nothing▁else▁is▁to▁do."
START, RESULT, END = "<|answer|>", "<|result|>", "<|end|>"

TEMPLATE = """{%- if tools %}{{ '<|system|>You may call these tools:\\n<tools>' }}{%- for tool in tools %}{{ '\\n' + (tool | tojson) }}{%- endfor %}{{ '\\n</tools>\\nFor each call write <tool_call>{"name": <name>, "arguments": <arguments>}</tool_call>\\n' }}{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}{{ '<tool_response>' + message.content + '</tool_response>' }}
{%- else %}{{ '<|' + message.role + '|>' }}{%- if message.content %}{{ message.content }}{%- endif %}
{%- if message.tool_calls %}{%- for call in message.tool_calls %}{{ '<tool_call>{"name": "' + call.function.name + '", "arguments": ' }}{{ call.function.arguments | tojson }}{{ '}</tool_call>' }}{%- endfor %}{%- endif %}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{%- if messages[-1].role == 'tool' %}{{ '<|result|>' }}{%- else %}{{ '<|answer|>' }}{%- endif %}{%- endif %}"""


def write(path):
    kind = gguf.TokenType
    tokens = [("<unk>", kind.UNKNOWN), ("<s>", kind.CONTROL), (END, kind.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", kind.BYTE) for byte in range(256)]
    tokens += [(START, kind.CONTROL), (RESULT, kind.CONTROL), (CALL, kind.NORMAL), (SAID, kind.NORMAL), ("▁", kind.NORMAL)]
    tokens += [(chr(code), kind.NORMAL) for code in range(33, 127)]
    tokens = tokens[:WIDTH]
    place = {text: index for index, (text, _) in enumerate(tokens)}

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(10)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_scores([0.0 if len(text) == 1 else -100.0 for text, _ in tokens])
    writer.add_token_types([int(kind) for _, kind in tokens])
    writer.add_bos_token_id(place["<s>"])
    writer.add_eos_token_id(place[END])
    writer.add_unk_token_id(place["<unk>"])
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)

    zeros = lambda *shape: np.zeros(shape, dtype=np.float32)
    embedding, output = zeros(len(tokens), WIDTH), zeros(len(tokens), WIDTH)
    following = {START: CALL, RESULT: SAID}
    for index, (text, _) in enumerate(tokens):
        embedding[index, index] = 1.0
        output[place[following.get(text, END)], index] = 10.0
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor("blk.0.ffn_norm.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor("blk.0.attn_q.weight", zeros(WIDTH, WIDTH))
    writer.add_tensor("blk.0.attn_k.weight", zeros(32, WIDTH))
    writer.add_tensor("blk.0.attn_v.weight", zeros(32, WIDTH))
    writer.add_tensor("blk.0.attn_output.weight", zeros(WIDTH, WIDTH))
    writer.add_tensor("blk.0.ffn_gate.weight", zeros(32, WIDTH))
    writer.add_tensor("blk.0.ffn_up.weight", zeros(32, WIDTH))
    writer.add_tensor("blk.0.ffn_down.weight", zeros(WIDTH, 32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
