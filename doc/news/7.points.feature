`iwd-compatibility-mode` for files, messages and records: iWD's form without a stylesheet of one's own; the pair that stood in `examples/iwd/`
is part of the program now. What stylesheets are given stands under the field's names, `inbound-transformer-parameters` and
`outbound-transformer-parameters` (before: `inbound-parameters`, `outbound-parameters`). `examples/capture/topics.toml` has nodes that share a topic of Kafka. The pages
on capture points say how fast each kind is, and where the field's options have gone; `make bench` measures files, too.
