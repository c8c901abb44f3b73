`use = "jms"`: documents are messages of a queue ([Messages of a queue as a capture point](../capture-jms.md)), over STOMP 1.2 or AMQP 1.0, with
ActiveMQ, RabbitMQ and others: exact copies in a processed or an error queue before a message is acknowledged, replies that are found by
their correlation id, redeliveries that are known.
