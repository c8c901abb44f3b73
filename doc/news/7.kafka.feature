Nodes can take interactions from topics of Kafka, with copies, errors, replies and notifications in topics: `use = "kafka"`. See
[Records of Kafka](capture-kafka.md). For tests, `ixproxy.testing.kafka_broker` is a broker in memory that can be away and refuse.
