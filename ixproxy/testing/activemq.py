"""
ActiveMQ Classic, a JMS provider, with its connectors for OpenWire and STOMP (Debian: `activemq`).

JMS clients in Java speak OpenWire with it; `class_path` is what they are
compiled and run with.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from ixproxy.testing.brokers import Broker

HOME = Path("/usr/share/activemq")

USER = "guest"
PASSWORD = "guest"

_CONFIGURATION = """\
<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans
    http://www.springframework.org/schema/beans/spring-beans-2.0.xsd
    http://activemq.apache.org/schema/core
    http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="ixproxy"
      dataDirectory="{folder}/data" useJmx="false" persistent="true">
    <persistenceAdapter>
      <kahaDB directory="{folder}/kahadb" journalMaxFileLength="4mb"/>
    </persistenceAdapter>
    <plugins>
      <simpleAuthenticationPlugin>
        <users>
          <authenticationUser username="{user}" password="{password}" groups="users"/>
        </users>
      </simpleAuthenticationPlugin>
    </plugins>
    <transportConnectors>
      <transportConnector name="openwire" uri="tcp://127.0.0.1:{openwire}"/>
      <transportConnector name="stomp" uri="stomp://127.0.0.1:{stomp}"/>
    </transportConnectors>
  </broker>
</beans>
"""


class ActivemqBroker(Broker):
    """
    :ivar stomp_port: and `openwire_port`, which speaks what Java's clients do.
    """

    kind = "ActiveMQ"

    def __init__(self) -> None:
        super().__init__(2)
        self.stomp_port, self.openwire_port = self.ports
        (self.folder / "activemq.xml").write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                openwire=self.openwire_port,
                stomp=self.stomp_port,
                user=USER,
                password=PASSWORD,
            )
        )

    @classmethod
    def unusable(cls) -> str:
        """Why none can be started here; empty: one can."""
        if not (HOME / "lib").is_dir():
            return "ActiveMQ is not installed (Debian: apt-get install activemq)"
        if shutil.which("java") is None:
            return "ActiveMQ needs Java (Debian: apt-get install default-jre-headless)"
        return ""

    def command(self) -> Sequence[str]:
        """Its main class, in one process."""
        return [
            "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            f"-Dactivemq.home={HOME}", f"-Dactivemq.base={self.folder}",
            "-cp", class_path(), "org.apache.activemq.console.Main",
            "start", f"xbean:file:{self.folder}/activemq.xml",
        ]  # fmt: skip

    @property
    def openwire_address(self) -> str:
        """Where Java's clients connect to."""
        return f"tcp://127.0.0.1:{self.openwire_port}"


def class_path() -> str:
    """All of ActiveMQ's classes, for it and for clients."""
    jars = sorted((HOME / "lib").rglob("*.jar"))
    return ":".join(map(str, jars))
