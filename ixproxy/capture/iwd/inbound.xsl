<?xml version="1.0" encoding="UTF-8"?>
<!--
  Requests in the form of iWD become native ones.

  A task's attributes may be XML attributes or elements of a request. Core ones become properties
  of the interaction (captureId, interactionID, mediaType, priority, createdDateTime) or keys
  IWD_name, what is inside Ext keys IWD_ext_name, and what is inside Data keys of its own name;
  <property name="..."> there is a key of a name that no element can have.

  Parameters: CompleteQueues, CancelQueues and RestartQueues, of which the first queue is where
  a task is moved to; CaseSensitiveActions and CaseSensitiveAttributes, "true" or "false";
  AllowAnyAttributes, "true": unknown core attributes become IWD_name too.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="UTF-8"/>
  <xsl:param name="CompleteQueues" select="'iWD_Completed'"/>
  <xsl:param name="CancelQueues" select="'iWD_Canceled'"/>
  <xsl:param name="RestartQueues" select="'iWD_New'"/>
  <xsl:param name="CaseSensitiveActions" select="'false'"/>
  <xsl:param name="CaseSensitiveAttributes" select="'false'"/>
  <xsl:param name="AllowAnyAttributes" select="'false'"/>

  <xsl:variable name="great" select="'ABCDEFGHIJKLMNOPQRSTUVWXYZ'"/>
  <xsl:variable name="small" select="'abcdefghijklmnopqrstuvwxyz'"/>
  <xsl:variable name="core" select="' activationDateTime businessValue captureId category channel createdDateTime dueDateTime expirationDateTime interactionID mediaType priority processID '"/>

  <xsl:template match="/*">
    <xsl:message terminate="yes">expected GTLMessages or GTLMessage as the root, not <xsl:value-of select="name()"/></xsl:message>
  </xsl:template>

  <xsl:template match="/GTLMessages | /GTLMessage">
    <messages>
      <xsl:for-each select="*">
        <xsl:variable name="action">
          <xsl:call-template name="letters">
            <xsl:with-param name="text" select="name()"/>
            <xsl:with-param name="strict" select="$CaseSensitiveActions"/>
            <xsl:with-param name="known" select="' CreateTask GetTaskInfo UpdateTask CompleteTask CancelTask RestartTask HoldTask ResumeTask '"/>
          </xsl:call-template>
        </xsl:variable>
        <xsl:choose>
          <xsl:when test="$action = 'CreateTask'">
            <xsl:call-template name="request"><xsl:with-param name="verb" select="'submit'"/></xsl:call-template>
          </xsl:when>
          <xsl:when test="$action = 'GetTaskInfo'">
            <xsl:call-template name="request"><xsl:with-param name="verb" select="'getinfo'"/></xsl:call-template>
          </xsl:when>
          <xsl:when test="$action = 'UpdateTask'">
            <xsl:call-template name="request"><xsl:with-param name="verb" select="'update'"/></xsl:call-template>
          </xsl:when>
          <xsl:when test="$action = 'CompleteTask'">
            <xsl:call-template name="request">
              <xsl:with-param name="verb" select="'update'"/>
              <xsl:with-param name="queues" select="$CompleteQueues"/>
            </xsl:call-template>
          </xsl:when>
          <xsl:when test="$action = 'CancelTask'">
            <xsl:call-template name="request">
              <xsl:with-param name="verb" select="'update'"/>
              <xsl:with-param name="queues" select="$CancelQueues"/>
            </xsl:call-template>
          </xsl:when>
          <xsl:when test="$action = 'RestartTask'">
            <xsl:call-template name="request">
              <xsl:with-param name="verb" select="'update'"/>
              <xsl:with-param name="queues" select="$RestartQueues"/>
            </xsl:call-template>
          </xsl:when>
          <xsl:when test="$action = 'HoldTask'">
            <xsl:call-template name="request"><xsl:with-param name="verb" select="'hold'"/></xsl:call-template>
          </xsl:when>
          <xsl:when test="$action = 'ResumeTask'">
            <xsl:call-template name="request"><xsl:with-param name="verb" select="'resume'"/></xsl:call-template>
          </xsl:when>
          <xsl:otherwise>
            <xsl:message terminate="yes">unknown request <xsl:value-of select="name()"/></xsl:message>
          </xsl:otherwise>
        </xsl:choose>
      </xsl:for-each>
    </messages>
  </xsl:template>

  <!-- One request; the context is its element. -->
  <xsl:template name="request">
    <xsl:param name="verb"/>
    <xsl:param name="queues" select="''"/>
    <interaction operation="{$verb}">
      <xsl:for-each select="@* | *">
        <xsl:variable name="name"><xsl:call-template name="attribute"/></xsl:variable>
        <xsl:choose>
          <xsl:when test="$name = 'captureId'">
            <xsl:attribute name="ExternalId"><xsl:value-of select="."/></xsl:attribute>
          </xsl:when>
          <xsl:when test="$name = 'interactionID'">
            <xsl:attribute name="InteractionId"><xsl:value-of select="."/></xsl:attribute>
          </xsl:when>
        </xsl:choose>
      </xsl:for-each>
      <xsl:if test="$verb = 'submit' or $verb = 'update'">
        <properties>
          <xsl:if test="$queues != ''">
            <Queue><xsl:value-of select="normalize-space(substring-before(concat($queues, ','), ','))"/></Queue>
          </xsl:if>
          <xsl:apply-templates select="@* | *" mode="property"/>
        </properties>
      </xsl:if>
      <xsl:if test="$verb = 'hold' or $verb = 'resume'">
        <xsl:for-each select="reason | @reason">
          <reason systemname="{.}"/>
        </xsl:for-each>
      </xsl:if>
    </interaction>
  </xsl:template>

  <xsl:template match="@* | *" mode="property">
    <xsl:variable name="name"><xsl:call-template name="attribute"/></xsl:variable>
    <xsl:choose>
      <xsl:when test="$name = 'captureId' or $name = 'interactionID'"/>
      <xsl:when test="$name = 'Ext'">
        <xsl:for-each select="*">
          <xsl:call-template name="key"><xsl:with-param name="prefix" select="'IWD_ext_'"/></xsl:call-template>
        </xsl:for-each>
      </xsl:when>
      <xsl:when test="$name = 'Data'">
        <xsl:for-each select="*"><xsl:call-template name="key"/></xsl:for-each>
      </xsl:when>
      <xsl:when test="$name = 'mediaType'"><MediaType><xsl:value-of select="."/></MediaType></xsl:when>
      <xsl:when test="$name = 'priority'"><Priority><xsl:value-of select="."/></Priority></xsl:when>
      <xsl:when test="$name = 'createdDateTime'"><ReceivedAt><xsl:value-of select="."/></ReceivedAt></xsl:when>
      <xsl:when test="contains($core, concat(' ', $name, ' ')) or $AllowAnyAttributes = 'true'">
        <xsl:element name="IWD_{$name}"><xsl:value-of select="."/></xsl:element>
      </xsl:when>
    </xsl:choose>
  </xsl:template>

  <!-- A key that is called by its element, or by the attribute `name` of `property`. -->
  <xsl:template name="key">
    <xsl:param name="prefix" select="''"/>
    <xsl:choose>
      <xsl:when test="self::property and @name">
        <property name="{$prefix}{@name}"><xsl:value-of select="."/></property>
      </xsl:when>
      <xsl:otherwise>
        <xsl:element name="{$prefix}{name()}"><xsl:value-of select="."/></xsl:element>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The name of an attribute as the lists above spell it. -->
  <xsl:template name="attribute">
    <xsl:call-template name="letters">
      <xsl:with-param name="text" select="name()"/>
      <xsl:with-param name="strict" select="$CaseSensitiveAttributes"/>
      <xsl:with-param name="known" select="concat($core, 'Ext Data ')"/>
    </xsl:call-template>
  </xsl:template>

  <!-- `text` as the list `known` spells it, if it is there; else as it is. -->
  <xsl:template name="letters">
    <xsl:param name="text"/>
    <xsl:param name="strict"/>
    <xsl:param name="known"/>
    <xsl:variable name="wanted" select="concat(' ', translate($text, $great, $small), ' ')"/>
    <xsl:variable name="all" select="translate($known, $great, $small)"/>
    <xsl:choose>
      <xsl:when test="$strict != 'true' and contains($all, $wanted)">
        <xsl:value-of select="substring($known, string-length(substring-before($all, $wanted)) + 2, string-length($text))"/>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$text"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
