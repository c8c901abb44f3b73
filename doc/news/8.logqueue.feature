An event log may be a durable queue of a message broker (`amqp://`, `amqps://`): each event is a persistent JSON message, confirmed before the node
forgets it, and a reader that is not there loses nothing ([An event log in a message queue](../event-log-queue.md)).
