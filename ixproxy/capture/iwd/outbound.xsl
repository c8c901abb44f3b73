<?xml version="1.0" encoding="UTF-8"?>
<!--
  What the source is told, in the form of iWD: one GTLMessage with one element.

  A task that was placed in a queue gives TaskDistributedQueue; with specificQueueNotifications
  "true" it gives TaskCompleted, TaskCanceled, TaskRestarted or TaskRejected where the queue is
  among CompleteQueues, CancelQueues, RestartQueues or RejectQueues. A refused request gives
  TaskError, and everything else TaskInfo with the word for what happened. A reply to a document
  that has a name, as files have, says it in the attribute document, and in operation the number
  of the message in it, from 1.

  Parameters: those, lists of queues with commas between; wanted, a list of native words with
  spaces between, "": whatever else is told is left out.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>
  <xsl:param name="specificQueueNotifications" select="'false'"/>
  <xsl:param name="CompleteQueues" select="'iWD_Completed'"/>
  <xsl:param name="CancelQueues" select="'iWD_Canceled'"/>
  <xsl:param name="RestartQueues" select="'iWD_New'"/>
  <xsl:param name="RejectQueues" select="'iWD_Rejected'"/>
  <xsl:param name="wanted" select="''"/>

  <xsl:template match="/interaction">
    <xsl:if test="$wanted = '' or contains(concat(' ', $wanted, ' '), concat(' ', @operation, ' '))">
      <GTLMessage><xsl:call-template name="told"/></GTLMessage>
    </xsl:if>
  </xsl:template>

  <xsl:template name="told">
    <xsl:variable name="queue" select="concat(',', @Place, ',')"/>
    <xsl:variable name="specific" select="$specificQueueNotifications = 'true'"/>
    <xsl:choose>
      <xsl:when test="@operation = 'error'">
        <TaskError code="{@code}" description="{@description}">
          <xsl:call-template name="answered"/>
          <xsl:call-template name="task"/>
        </TaskError>
      </xsl:when>
      <xsl:when test="@operation != 'placed-in-queue'">
        <TaskInfo event="{@operation}">
          <xsl:call-template name="answered"/>
          <xsl:call-template name="task"/>
        </TaskInfo>
      </xsl:when>
      <xsl:when test="$specific and contains(concat(',', $CompleteQueues, ','), $queue)">
        <TaskCompleted><xsl:call-template name="task"/></TaskCompleted>
      </xsl:when>
      <xsl:when test="$specific and contains(concat(',', $CancelQueues, ','), $queue)">
        <TaskCanceled><xsl:call-template name="task"/></TaskCanceled>
      </xsl:when>
      <xsl:when test="$specific and contains(concat(',', $RestartQueues, ','), $queue)">
        <TaskRestarted><xsl:call-template name="task"/></TaskRestarted>
      </xsl:when>
      <xsl:when test="$specific and contains(concat(',', $RejectQueues, ','), $queue)">
        <TaskRejected><xsl:call-template name="task"/></TaskRejected>
      </xsl:when>
      <xsl:otherwise>
        <TaskDistributedQueue><xsl:call-template name="task"/></TaskDistributedQueue>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Which document, and which of its operations, this answers, where that is known. -->
  <xsl:template name="answered">
    <xsl:if test="extra/Document">
      <xsl:attribute name="document"><xsl:value-of select="extra/Document"/></xsl:attribute>
    </xsl:if>
    <xsl:if test="extra/Operation">
      <xsl:attribute name="operation"><xsl:value-of select="extra/Operation"/></xsl:attribute>
    </xsl:if>
  </xsl:template>

  <!-- The task itself; the context is the interaction. -->
  <xsl:template name="task">
    <interactionID><xsl:value-of select="@InteractionId"/></interactionID>
    <xsl:if test="@ExternalId"><captureId><xsl:value-of select="@ExternalId"/></captureId></xsl:if>
    <xsl:if test="@Place"><queue><xsl:value-of select="@Place"/></queue></xsl:if>
    <xsl:if test="@ActorName"><assignedToUser><xsl:value-of select="@ActorName"/></assignedToUser></xsl:if>
    <xsl:for-each select="properties/*">
      <xsl:choose>
        <xsl:when test="name() = 'Priority'"><priority><xsl:value-of select="."/></priority></xsl:when>
        <xsl:when test="name() = 'MediaType'"><mediaType><xsl:value-of select="."/></mediaType></xsl:when>
        <xsl:when test="name() = 'ReceivedAt'"><createdDateTime><xsl:value-of select="."/></createdDateTime></xsl:when>
        <xsl:when test="name() = 'AssignedAt'"><assignedDateTime><xsl:value-of select="."/></assignedDateTime></xsl:when>
        <xsl:when test="name() = 'CompletedAt'"><completedDateTime><xsl:value-of select="."/></completedDateTime></xsl:when>
        <xsl:when test="name() = 'HeldAt'"><heldDateTime><xsl:value-of select="."/></heldDateTime></xsl:when>
        <xsl:when test="starts-with(name(), 'IWD_') and not(starts-with(name(), 'IWD_ext_'))">
          <xsl:element name="{substring-after(name(), 'IWD_')}"><xsl:value-of select="."/></xsl:element>
        </xsl:when>
      </xsl:choose>
    </xsl:for-each>
    <Ext>
      <xsl:for-each select="properties/*[starts-with(name(), 'IWD_ext_')]">
        <xsl:element name="{substring-after(name(), 'IWD_ext_')}"><xsl:value-of select="."/></xsl:element>
      </xsl:for-each>
    </Ext>
  </xsl:template>
</xsl:stylesheet>
