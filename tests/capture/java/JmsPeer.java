import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import javax.jms.BytesMessage;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnectionFactory;

/**
 * A JMS client that does what its arguments say after user, password and broker, in their order:
 *
 *   bytes QUEUE BASE64 CORRELATION REPLY-TO   send a BytesMessage; "-" for nothing
 *   text QUEUE BASE64 CORRELATION REPLY-TO    send a TextMessage of that UTF-8
 *   receive QUEUE COUNT                       wait for so many messages, and print each
 *
 * Prints "sent MESSAGE-ID", and "got CLASS CORRELATION OPERATION BASE64" of a message.
 */
public final class JmsPeer {
    private static final long PATIENCE = 30_000;

    public static void main(String[] arguments) throws Exception {
        Connection connection =
            new ActiveMQConnectionFactory(arguments[0], arguments[1], arguments[2])
                .createConnection();
        connection.start();
        Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
        int at = 3;
        while (at < arguments.length) {
            String what = arguments[at];
            Queue queue = session.createQueue(arguments[at + 1]);
            if (what.equals("receive")) {
                receive(session, queue, Integer.parseInt(arguments[at + 2]));
                at += 3;
            } else {
                send(session, queue, what.equals("text"), arguments, at + 2);
                at += 5;
            }
        }
        connection.close();
    }

    private static void send(Session session, Queue queue, boolean text, String[] given, int at)
            throws Exception {
        byte[] body = Base64.getDecoder().decode(given[at]);
        Message message;
        if (text) {
            message = session.createTextMessage(new String(body, StandardCharsets.UTF_8));
        } else {
            BytesMessage bytes = session.createBytesMessage();
            bytes.writeBytes(body);
            message = bytes;
        }
        if (!given[at + 1].equals("-")) {
            message.setJMSCorrelationID(given[at + 1]);
        }
        if (!given[at + 2].equals("-")) {
            message.setJMSReplyTo(session.createQueue(given[at + 2]));
        }
        message.setStringProperty("Origin", "J\u00e4va: \\ and\nmore");
        MessageProducer producer = session.createProducer(queue);
        producer.setDeliveryMode(DeliveryMode.PERSISTENT);
        producer.send(message);
        session.commit();
        System.out.println("sent " + message.getJMSMessageID());
    }

    private static void receive(Session session, Queue queue, int count) throws Exception {
        MessageConsumer consumer = session.createConsumer(queue);
        for (int number = 0; number < count; number++) {
            Message message = consumer.receive(PATIENCE);
            if (message == null) {
                System.out.println("nothing");
                continue;
            }
            String kind = message instanceof TextMessage ? "TextMessage" : "BytesMessage";
            System.out.println(String.join(" ",
                "got", kind, said(message.getJMSCorrelationID()),
                said(message.getStringProperty("ixn_operation")),
                said(message.getStringProperty("Origin") == null ? null
                    : Base64.getEncoder().encodeToString(
                        message.getStringProperty("Origin").getBytes(StandardCharsets.UTF_8))),
                Base64.getEncoder().encodeToString(body(message))));
        }
        session.commit();
        consumer.close();
    }

    private static String said(String text) {
        return text == null || text.isEmpty() ? "-" : text;
    }

    private static byte[] body(Message message) throws Exception {
        if (message instanceof TextMessage) {
            return ((TextMessage) message).getText().getBytes(StandardCharsets.UTF_8);
        }
        BytesMessage bytes = (BytesMessage) message;
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        byte[] part = new byte[4096];
        for (int size = bytes.readBytes(part); size > 0; size = bytes.readBytes(part)) {
            read.write(part, 0, size);
        }
        return read.toByteArray();
    }
}
