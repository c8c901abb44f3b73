<?xml version="1.0" encoding="UTF-8"?>
<!--
  What the source is told, in the form of iWD: one GTLMessage with one element.

  A task that was placed in a queue or a workbin gives TaskDistributedQueue; with
  specificQueueNotifications "true" it gives TaskCompleted, TaskCanceled, TaskRestarted,
  TaskRejected or TaskErrorHeld where the queue is among CompleteQueues, CancelQueues,
  RestartQueues, RejectQueues or ErrorHeldQueues. A refused request gives TaskError, and
  everything else TaskInfo with the word for what happened.

  A task's core attributes stand first, in Ext what is kept as IWD_ext_name, and in Data
  whatever has no attribute of its own, by its own name; lists are left out. What no element
  can be called is <property name="...">, as in the native form. At the end stand the reason
  and what is extra, such as the name of a document and which of its operations this answers.

  Parameters: those, lists of queues with commas between; includeWorkbinQueueName, "true": a
  task in a workbin is said to be in the workbin's queue, not in the workbin; wanted, a list
  of native words with spaces between, "": whatever else is told is left out.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>
  <xsl:strip-space elements="extra"/>
  <xsl:param name="specificQueueNotifications" select="'false'"/>
  <xsl:param name="includeWorkbinQueueName" select="'false'"/>
  <xsl:param name="CompleteQueues" select="'iWD_Completed'"/>
  <xsl:param name="CancelQueues" select="'iWD_Canceled'"/>
  <xsl:param name="RestartQueues" select="'iWD_New'"/>
  <xsl:param name="RejectQueues" select="'iWD_Rejected'"/>
  <xsl:param name="ErrorHeldQueues" select="'iWD_ErrorHeld'"/>
  <xsl:param name="wanted" select="''"/>

  <xsl:variable name="great" select="'ABCDEFGHIJKLMNOPQRSTUVWXYZ'"/>
  <xsl:variable name="small" select="'abcdefghijklmnopqrstuvwxyz'"/>
  <!-- Properties of the field that are attributes of a task. -->
  <xsl:variable name="fields" select="' InteractionId ExternalId TenantId MediaType Queue AssignedTo AssignedAt CompletedAt HeldAt Priority ReceivedAt '"/>
  <!-- Attributes that are properties of the field, and what else an IWD_name must not become. -->
  <xsl:variable name="taken" select="' interactionid captureid status queue tenantid mediatype assignedtouser assigneddatetime completeddatetime helddatetime priority createddatetime ext data reason extra '"/>
  <!-- Those that are kept as IWD_name, as iWD spells them. -->
  <xsl:variable name="core" select="' activationDateTime businessCalendarID businessValue category channel departmentID dueDateTime expirationDateTime processID queueTarget queueType reprioritizeDateTime solutionID '"/>

  <xsl:template match="/interaction">
    <xsl:if test="$wanted = '' or contains(concat(' ', $wanted, ' '), concat(' ', @operation, ' '))">
      <GTLMessage><xsl:call-template name="told"/></GTLMessage>
    </xsl:if>
  </xsl:template>

  <xsl:template name="told">
    <xsl:variable name="sort">
      <xsl:if test="$specificQueueNotifications = 'true'">
        <xsl:call-template name="sort"><xsl:with-param name="queue" select="@Place"/></xsl:call-template>
      </xsl:if>
    </xsl:variable>
    <xsl:choose>
      <xsl:when test="@operation = 'error'">
        <TaskError code="{@code}" description="{@description}">
          <xsl:call-template name="task"/>
        </TaskError>
      </xsl:when>
      <xsl:when test="@operation = 'placed-in-queue' and $sort != ''">
        <xsl:element name="Task{$sort}"><xsl:call-template name="task"/></xsl:element>
      </xsl:when>
      <xsl:when test="@operation = 'placed-in-queue' or @operation = 'placed-in-workbin'">
        <TaskDistributedQueue><xsl:call-template name="task"/></TaskDistributedQueue>
      </xsl:when>
      <xsl:otherwise>
        <TaskInfo event="{@operation}"><xsl:call-template name="task"/></TaskInfo>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- What a queue means: Completed, Canceled, Restarted, Rejected, ErrorHeld, or nothing. -->
  <xsl:template name="sort">
    <xsl:param name="queue"/>
    <!-- A space may stand after a comma. -->
    <xsl:variable name="one" select="concat(',', $queue, ',')"/>
    <xsl:variable name="other" select="concat(', ', $queue, ',')"/>
    <xsl:variable name="completed" select="concat(',', $CompleteQueues, ',')"/>
    <xsl:variable name="canceled" select="concat(',', $CancelQueues, ',')"/>
    <xsl:variable name="restarted" select="concat(',', $RestartQueues, ',')"/>
    <xsl:variable name="rejected" select="concat(',', $RejectQueues, ',')"/>
    <xsl:variable name="held" select="concat(',', $ErrorHeldQueues, ',')"/>
    <xsl:choose>
      <xsl:when test="string($queue) = ''"/>
      <xsl:when test="contains($completed, $one) or contains($completed, $other)">Completed</xsl:when>
      <xsl:when test="contains($canceled, $one) or contains($canceled, $other)">Canceled</xsl:when>
      <xsl:when test="contains($restarted, $one) or contains($restarted, $other)">Restarted</xsl:when>
      <xsl:when test="contains($rejected, $one) or contains($rejected, $other)">Rejected</xsl:when>
      <xsl:when test="contains($held, $one) or contains($held, $other)">ErrorHeld</xsl:when>
    </xsl:choose>
  </xsl:template>

  <!-- The task itself; the context is the interaction. -->
  <xsl:template name="task">
    <xsl:variable name="has" select="properties"/>
    <xsl:if test="@InteractionId"><interactionID><xsl:value-of select="@InteractionId"/></interactionID></xsl:if>
    <xsl:if test="@ExternalId"><captureId><xsl:value-of select="@ExternalId"/></captureId></xsl:if>
    <xsl:if test="@InteractionId and $has"><status><xsl:call-template name="status"/></status></xsl:if>
    <xsl:choose>
      <xsl:when test="@operation = 'placed-in-workbin' and $includeWorkbinQueueName != 'true'">
        <queue><xsl:value-of select="@Place"/></queue>
      </xsl:when>
      <xsl:when test="$has/Queue"><queue><xsl:value-of select="$has/Queue"/></queue></xsl:when>
      <xsl:when test="@operation = 'placed-in-queue'"><queue><xsl:value-of select="@Place"/></queue></xsl:when>
    </xsl:choose>
    <xsl:if test="$has">
      <xsl:apply-templates select="$has/*" mode="attribute"/>
      <Ext><xsl:apply-templates select="$has/*" mode="ext"/></Ext>
      <Data><xsl:apply-templates select="$has/*" mode="data"/></Data>
    </xsl:if>
    <xsl:if test="reason/@systemname"><reason><xsl:value-of select="reason/@systemname"/></reason></xsl:if>
    <xsl:copy-of select="extra"/>
  </xsl:template>

  <!-- One word for where a task is, as the web service says it. -->
  <xsl:template name="status">
    <xsl:variable name="sort">
      <xsl:call-template name="sort"><xsl:with-param name="queue" select="properties/Queue"/></xsl:call-template>
    </xsl:variable>
    <xsl:choose>
      <xsl:when test="$sort != '' and $sort != 'Restarted'"><xsl:value-of select="$sort"/></xsl:when>
      <xsl:when test="properties/IsHeld = '1'">Held</xsl:when>
      <xsl:when test="properties/AssignedTo != ''">Assigned</xsl:when>
      <xsl:otherwise>Queued</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="TenantId" mode="attribute"><tenantID><xsl:value-of select="."/></tenantID></xsl:template>
  <xsl:template match="MediaType" mode="attribute"><mediaType><xsl:value-of select="."/></mediaType></xsl:template>
  <xsl:template match="Priority" mode="attribute"><priority><xsl:value-of select="."/></priority></xsl:template>
  <xsl:template match="AssignedTo" mode="attribute"><assignedToUser><xsl:value-of select="."/></assignedToUser></xsl:template>
  <xsl:template match="AssignedAt" mode="attribute"><assignedDateTime><xsl:value-of select="."/></assignedDateTime></xsl:template>
  <xsl:template match="CompletedAt" mode="attribute"><completedDateTime><xsl:value-of select="."/></completedDateTime></xsl:template>
  <xsl:template match="HeldAt" mode="attribute"><heldDateTime><xsl:value-of select="."/></heldDateTime></xsl:template>
  <xsl:template match="IWD_createdDateTime" mode="attribute" priority="2">
    <createdDateTime><xsl:value-of select="."/></createdDateTime>
  </xsl:template>
  <xsl:template match="ReceivedAt" mode="attribute">
    <xsl:if test="not(../IWD_createdDateTime)"><createdDateTime><xsl:value-of select="."/></createdDateTime></xsl:if>
  </xsl:template>
  <xsl:template match="*" mode="attribute">
    <xsl:variable name="own"><xsl:call-template name="own"/></xsl:variable>
    <xsl:if test="$own != ''"><xsl:element name="{$own}"><xsl:value-of select="."/></xsl:element></xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="ext">
    <xsl:if test="not(@type = 'list') and (starts-with(@name, 'IWD_ext_') or starts-with(name(), 'IWD_ext_'))">
      <xsl:call-template name="named"><xsl:with-param name="prefix" select="'IWD_ext_'"/></xsl:call-template>
    </xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="data">
    <xsl:variable name="own"><xsl:call-template name="own"/></xsl:variable>
    <xsl:choose>
      <xsl:when test="@type = 'list' or $own != '' or name() = 'IWD_createdDateTime'"/>
      <xsl:when test="starts-with(@name, 'IWD_ext_') or starts-with(name(), 'IWD_ext_')"/>
      <xsl:when test="contains($fields, concat(' ', name(), ' ')) and not(self::ReceivedAt and ../IWD_createdDateTime)"/>
      <xsl:otherwise><xsl:call-template name="named"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The attribute that a key IWD_name is, as iWD spells it; nothing: it is none. -->
  <xsl:template name="own">
    <xsl:variable name="name" select="substring-after(name(), 'IWD_')"/>
    <xsl:variable name="sought" select="concat(' ', translate($name, $great, $small), ' ')"/>
    <xsl:variable name="known" select="translate($core, $great, $small)"/>
    <xsl:choose>
      <xsl:when test="@type = 'list' or not(starts-with(name(), 'IWD_')) or starts-with(name(), 'IWD_ext_')"/>
      <xsl:when test="translate(substring($name, 1, 1), '-.0123456789', '') = ''"/>
      <xsl:when test="contains($taken, $sought)"/>
      <xsl:when test="contains($known, $sought)">
        <xsl:value-of select="substring($core, string-length(substring-before($known, $sought)) + 2, string-length($name))"/>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$name"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The context, called by its name without `prefix`. -->
  <xsl:template name="named">
    <xsl:param name="prefix" select="''"/>
    <xsl:variable name="start" select="string-length($prefix) + 1"/>
    <xsl:variable name="name" select="substring(name(), $start)"/>
    <xsl:choose>
      <xsl:when test="@name">
        <property name="{substring(@name, $start)}"><xsl:value-of select="."/></property>
      </xsl:when>
      <xsl:when test="translate(substring($name, 1, 1), '-.0123456789', '') = ''">
        <property name="{$name}"><xsl:value-of select="."/></property>
      </xsl:when>
      <xsl:otherwise><xsl:element name="{$name}"><xsl:value-of select="."/></xsl:element></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
